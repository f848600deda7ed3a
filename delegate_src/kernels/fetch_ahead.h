// Prefetches what the next positions read and write, for tensors that do not fit into the caches.
#pragma once

#include "kernels/vec.h"

namespace patternlite::kernels::PL_ISA {

// Prefetches one of `shares` parts of what `Positions` positions from `input` on are the first to
// read.
template <int Positions>
PL_INLINE void fetch_input(const FetchAhead& ahead, const float* input, int share, int shares) {
  const int begin = ahead.channels * share / shares, end = ahead.channels * (share + 1) / shares;
  for (int channel = begin; channel < end; ++channel) {
    fetch_lines<Positions, 0, 2, false>(input + ahead.reach + channel * ahead.plane);
  }
}

// Prefetches what a filter writes (and its residual) at `Positions` positions. Conv: of OS, or of
// IS in place.
template <int Positions, class Conv>
PL_INLINE void fetch_output(const Conv& conv, int position, int32_t plane) {
  constexpr bool kAligned = kLanes == 16;  // blocks of positions begin with a cache line
  if (plane < 0) return;
  fetch_lines<Positions, 1, 2, kAligned>(conv.output + plane + position);
  if (conv.epilogue.residual == nullptr) return;
  fetch_lines<Positions, 0, 2, kAligned>(conv.epilogue.residual + plane + position);
}

}  // namespace patternlite::kernels::PL_ISA
