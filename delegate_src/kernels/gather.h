// Inputs of arbitrary output positions as one vector: a few loads, merged by permutations.
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

// Every second of 2 * kLanes neighbours, from the first or the second on.
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

// Every second from the first on; b begins with a's last, so that nothing is read behind the last.
PL_INLINE V every_second_overlapping(V a, V b) {
  VI index;
  PL_UNROLL for (int i = 0; i < kLanes; ++i) index[i] = 2 * i < kLanes ? 2 * i : 2 * i + 1;
  return permute(a, b, index);
}

// kLanes elements, `Stride` (1 or 2) apart; reads nothing behind the last.
template <int Stride>
PL_INLINE V load_strided(const float* p) {
  if constexpr (Stride == 1) return load(p);
  return every_second_overlapping(load(p), load(p + kLanes - 1));
}

// How to gather one vector: loads at `at`, each merged into the ones before by `index`.
struct Gather {
  int loads;
  bool contiguous;  // one load is all
  int32_t at[kLanes];
  VI index[kLanes];  // [1] merges the first two loads, [2] the third, ...
};

// Plans to gather from the given offsets. The fewest loads are made of ascending ones.
inline void plan_gather(const int32_t (&offset)[kLanes], Gather& plan) {
  plan.at[0] = offset[0];
  plan.contiguous = true;
  for (int i = 1; i < kLanes; ++i) plan.contiguous &= offset[i] == offset[0] + i;
  if (plan.contiguous) return;
  plan.loads = 1;
  int32_t index[kLanes];  // of the merge at hand; lanes that it does not bring keep what they have
  for (int i = 0; i < kLanes; ++i) index[i] = i;
  for (int i = 0; i < kLanes; ++i) {
    int last = plan.loads - 1;
    const int32_t beyond = offset[i] - plan.at[last];
    if (beyond < 0 || beyond >= kLanes) {
      if (last > 0) {
        __builtin_memcpy(&plan.index[last], index, sizeof index);
        for (int j = 0; j < kLanes; ++j) index[j] = j;
      }
      plan.at[++last] = offset[i];
      plan.loads = last + 1;
    }
    index[i] = offset[i] - plan.at[last] + (last > 0 ? kLanes : 0);
  }
  if (plan.loads == 1) {  // positions that repeat: merged with itself
    plan.at[1] = plan.at[0];
    plan.loads = 2;
  }
  __builtin_memcpy(&plan.index[plan.loads - 1], index, sizeof index);
}

// Gathers the same positions at `count` offsets, to slots `step` floats apart.
PL_INLINE void gather(const float* from, const int32_t* offset, int count, const Gather& plan,
                      float* to, int step) {
  from += plan.at[0];
  if (plan.contiguous) {
    for (int i = 0; i < count; ++i, to += step) store(to, load(from + offset[i]));
    return;
  }
  const ptrdiff_t second = plan.at[1] - plan.at[0];
  const VI index = plan.index[1];
  if (plan.loads == 2) {
    for (int i = 0; i < count; ++i, to += step) {
      const float* p = from + offset[i];
      store(to, permute(load(p), load(p + second), index));
    }
    return;
  }
  for (int i = 0; i < count; ++i, to += step) {
    const float* p = from + offset[i];
    V x = permute(load(p), load(p + second), index);
    for (int j = 2; j < plan.loads; ++j) {
      x = permute(x, load(p + (plan.at[j] - plan.at[0])), plan.index[j]);
    }
    store(to, x);
  }
}

}  // namespace patternlite::kernels::PL_ISA
