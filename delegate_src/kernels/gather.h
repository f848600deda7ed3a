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

// How to gather one vector: loads at `at`, each merged into the ones before by `index`.
struct Gather {
  int loads;
  bool contiguous;  // one load is all
  int32_t at[kLanes];
  VI index[kLanes];  // [0]: unused
};

// Plans to gather from the given offsets, in ascending order.
inline void plan_gather(const int32_t (&offset)[kLanes], Gather& plan) {
  plan.loads = 0;
  // Every lane counts: a tile's repeated last position can span kLanes with a gap inside.
  plan.contiguous = true;
  for (int lane = 0; lane < kLanes; ++lane) plan.contiguous &= offset[lane] == offset[0] + lane;
  for (int lane = 0; lane < kLanes; ++lane) {
    plan.contiguous = plan.contiguous && offset[lane] == offset[0] + lane;
    const int last = plan.loads - 1;
    if (last < 0 || offset[lane] - plan.at[last] >= kLanes) {
      plan.at[plan.loads++] = offset[lane];
      for (int i = 0; i < kLanes; ++i) plan.index[plan.loads - 1][i] = i;  // keep what there is
    }
    const int now = plan.loads - 1;
    plan.index[now][lane] = offset[lane] - plan.at[now] + (now > 0 ? kLanes : 0);
  }
  // The first load has none before it: it is merged together with the second (or with itself).
  if (plan.loads == 1) {
    plan.at[1] = plan.at[0];
    plan.index[1] = plan.index[0];
    plan.loads = 2;
  } else {
    for (int lane = 0; lane < kLanes; ++lane) {
      if (offset[lane] < plan.at[1]) plan.index[1][lane] = plan.index[0][lane];
    }
  }
}

PL_INLINE V gather(const float* p, const Gather& plan) {
  if (plan.contiguous) return load(p + plan.at[0]);
  V x = permute(load(p + plan.at[0]), load(p + plan.at[1]), plan.index[1]);
  for (int i = 2; i < plan.loads; ++i) x = permute(x, load(p + plan.at[i]), plan.index[i]);
  return x;
}

}  // namespace patternlite::kernels::PL_ISA
