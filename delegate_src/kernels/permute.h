// Selects lanes of two vectors.
#pragma once

#include "kernels/vec.h"

namespace patternlite::kernels::PL_ISA {

// Lane i of the result is a[index[i]], or b[index[i] - kLanes].
PL_INLINE V permute(V a, V b, VI index) {
#if PL_LANES == 16
  return reinterpret_cast<V>(_mm512_permutex2var_ps(
      reinterpret_cast<__m512>(a), reinterpret_cast<__m512i>(index), reinterpret_cast<__m512>(b)));
#elif PL_LANES == 8
  const __m256i at = reinterpret_cast<__m256i>(index);
  return reinterpret_cast<V>(
      _mm256_blendv_ps(_mm256_permutevar8x32_ps(reinterpret_cast<__m256>(a), at),
                       _mm256_permutevar8x32_ps(reinterpret_cast<__m256>(b), at),
                       _mm256_castsi256_ps(_mm256_slli_epi32(at, 28))));
#else
  V x;
  PL_UNROLL for (int i = 0; i < kLanes; ++i) x[i] =
      index[i] < kLanes ? a[index[i]] : b[index[i] - kLanes];
  return x;
#endif
}

// Every second one of 2 * kLanes neighbours, from the first or the second on.
template <int First>
PL_INLINE V every_second(V a, V b) {
  VI index;
  PL_UNROLL for (int i = 0; i < kLanes; ++i) index[i] = First + 2 * i;
  return permute(a, b, index);
}

// a's lanes from the second on, then b's first.
PL_INLINE V from_second(V a, V b) {
  VI index;
  PL_UNROLL for (int i = 0; i < kLanes; ++i) index[i] = i + 1;
  return permute(a, b, index);
}

// Every second one from the first on; b begins with a's last lane, so that nothing is read beyond
// the last one needed.
PL_INLINE V every_second_overlapping(V a, V b) {
  VI index;
  PL_UNROLL for (int i = 0; i < kLanes; ++i) index[i] = 2 * i < kLanes ? 2 * i : 2 * i + 1;
  return permute(a, b, index);
}

// Loads kLanes elements, `Stride` (1 or 2) apart; reads nothing beyond the last.
template <int Stride>
PL_INLINE V load_strided(const float* p) {
  if constexpr (Stride == 1) return load(p);
  return every_second_overlapping(load(p), load(p + kLanes - 1));
}

}  // namespace patternlite::kernels::PL_ISA
