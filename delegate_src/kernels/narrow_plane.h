// Planes so narrow that a vector holds positions of several rows: they are gone through as one
// piece, gaps between rows included.
#pragma once

#include "kernels/lanes.h"

namespace patternlite::kernels::PL_ISA {

class NarrowPlane {
 public:
  static constexpr int kMost = 256;  // positions, from the first real one to the last

  // Whether there are fewer vectors than row by row.
  static PL_INLINE bool pays(int height, int width, int pitch) {
    const int positions = last(height, width, pitch);
    return positions <= kMost && ceil_div(positions, kLanes) < height * ceil_div(width, kLanes);
  }

  PL_INLINE NarrowPlane(int height, int width, int pitch) : positions_(last(height, width, pitch)) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) real_[y * pitch + x] = -1;
    }
  }

  // visit(at, count, lanes) for each vector of `count` positions from `at` on, of which `lanes`
  // keeps the real ones.
  template <class Visit>
  PL_INLINE void for_each_vector(const Visit& visit) const {
    for (int at = 0; at < positions_; at += kLanes) {
      visit(at, min(kLanes, positions_ - at), Lanes<V>(real_ + at));
    }
  }

 private:
  static PL_INLINE int last(int height, int width, int pitch) {
    return (height - 1) * pitch + width;
  }

  alignas(64) int32_t real_[kMost] = {};  // -1: it is
  int positions_;
};

}  // namespace patternlite::kernels::PL_ISA
