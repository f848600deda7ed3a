// Inputs of arbitrary output positions as one vector: a few loads, merged by permutations.
#pragma once

#include "kernels/permute.h"

namespace patternlite::kernels::PL_ISA {

// How to gather one vector: loads at `at`, each merged into the previous ones by `index`.
struct Gather {
  int loads;
  bool contiguous;  // one load is all
  int32_t at[kLanes];
  VI index[kLanes];  // [1] merges the first two loads, [2] the third, ...
};

// Makes the plan for gathering from the given offsets. Ascending ones need the fewest loads.
inline void plan_gather(const int32_t (&offset)[kLanes], Gather& plan) {
  plan.at[0] = offset[0];
  plan.contiguous = true;
  for (int i = 1; i < kLanes; ++i) plan.contiguous &= offset[i] == offset[0] + i;
  if (plan.contiguous) return;
  plan.loads = 1;
  int32_t index[kLanes];  // of the current merge; other lanes keep what they have
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
  if (plan.loads == 1) {  // repeated positions: the load is merged with itself
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
