// Which lanes of a vector are real positions of a map.
#pragma once

#include "kernels/vec.h"

namespace patternlite::kernels::PL_ISA {

// Keeps the lanes of a vector T whose mask is -1. The others become +0, even NaN and infinity.
template <class T>
class Lanes {
 public:
  Lanes() = default;
#if PL_LANES == 16
  explicit PL_INLINE Lanes(const int32_t* mask) {
    if constexpr (sizeof(T) == 64) {
      bits_ = _mm512_movepi32_mask(_mm512_loadu_si512(mask));
    } else {
      bits_ = _mm256_movepi32_mask(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask)));
    }
  }

  PL_INLINE T keep(T x) const {  // as part of the instruction that made x
    if constexpr (sizeof(T) == 64) {
      return reinterpret_cast<T>(_mm512_maskz_mov_ps(bits_, reinterpret_cast<__m512>(x)));
    } else {
      const auto bits = static_cast<__mmask8>(bits_);
      return reinterpret_cast<T>(_mm256_maskz_mov_ps(bits, reinterpret_cast<__m256>(x)));
    }
  }

  // Stores these lanes, which are among the first `count`; touches nothing beyond those.
  PL_INLINE void put(float* p, V v, int /*count*/) const {
    _mm512_mask_storeu_ps(p, bits_, reinterpret_cast<__m512>(v));
  }

 private:
  __mmask16 bits_;
#else
  explicit PL_INLINE Lanes(const int32_t* mask) : mask_(mask) {}

  PL_INLINE T keep(T x) const {
    decltype(x < x) mask;
    __builtin_memcpy(&mask, mask_, sizeof mask);
    return reinterpret_cast<T>(reinterpret_cast<decltype(mask)>(x) & mask);
  }

  PL_INLINE void put(float* p, V v, int count) const {
    VI mask;
    __builtin_memcpy(&mask, mask_, sizeof mask);
    store_part(p, mask ? v : load_part(p, count), count);
  }

 private:
  const int32_t* mask_;
#endif
};

}  // namespace patternlite::kernels::PL_ISA
