// The end of a convolution over whole vectors of virtual positions: stores a filter's sums.
#pragma once

#include "kernels/lanes.h"

namespace patternlite::kernels::PL_ISA {

// For M vectors T from `position` on, for any filter; with M = 0 for none, and then nothing is
// read. What does not depend on the filter is read once, here: compilers would read it again after
// each store.
template <int M, class T = V>
class PlanarStore {
 public:
  // Conv: of OS, or of IS in place.
  template <class Conv>
  PL_INLINE PlanarStore(const Conv& conv, int position)
      : output_(conv.output + position),
        residual_(conv.epilogue.residual ? conv.epilogue.residual + position : nullptr),
        low_(broadcast<T>(conv.epilogue.low)),
        high_(broadcast<T>(conv.epilogue.high)) {
    PL_UNROLL for (int m = 0; m < M; ++m) real_[m] = Lanes<T>(conv.mask + position + m * kStep);
  }

  static constexpr int kHeld = M > 0 ? M : 1;  // arrays need at least one element

  // plane: of the filter.
  PL_INLINE void operator()(const T (&sums)[kHeld], ptrdiff_t plane) const {
    T x[kHeld];
    PL_UNROLL for (int m = 0; m < M; ++m) x[m] = sums[m];
    if (residual_) {
      PL_UNROLL for (int m = 0; m < M; ++m) x[m] += load<T>(residual_ + plane + m * kStep);
    }
    PL_UNROLL for (int m = 0; m < M; ++m) {
      store(output_ + plane + m * kStep, real_[m].keep(clamp(x[m], low_, high_)));
    }
  }

 private:
  static constexpr int kStep = sizeof(T) / sizeof(float);
  float* output_;
  const float* residual_;
  T low_, high_;
  Lanes<T> real_[kHeld];
};

}  // namespace patternlite::kernels::PL_ISA
