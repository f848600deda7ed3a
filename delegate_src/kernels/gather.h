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
