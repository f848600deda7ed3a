// Filter kernel reorder: which filters are packed together (PatDNN, section 4.2, generalised).
#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "engine/recognise/tap_sets.h"

namespace patternlite {

// Groups of at most `size` filters, each filter in one group. A group runs every tap that any of
// its filters has, so filters with like taps are put together, greedily; never those of different
// groups of a grouped convolution, whose channels would be multiplied by 0. Groups stand in the
// order of their first filters: planes are written one behind the other, and by threads that share
// the groups apart from each other. Where threads take turns, each one's prefetchers pull at lines
// that another is writing.
struct Grouping {
  std::vector<std::vector<int>> groups;
  // Sum over groups of size * taps: the multiplications per position, zeros among them counted.
  double work = 0;
};

// None when the groups come to more work than `limit`. In very large layers only filters of like
// size are compared.
std::optional<Grouping> group_filters(const TapSets& taps, int size,
                                      double limit = std::numeric_limits<double>::infinity());

}  // namespace patternlite
