// Filter kernel reorder: which filters are packed together (PatDNN, section 4.2, generalised).
#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "engine/recognise/tap_sets.h"

namespace patternlite {

// Groups of at most `size` filters, each filter in one group. A group runs every tap that any of
// its filters has, so filters with similar taps are put together, greedily; but never filters from
// different groups of a grouped convolution, whose channels would be multiplied by 0. Groups are in
// the order of their first filters, so that planes are written one after another, and threads that
// share the groups write far from each other: otherwise each one's prefetchers would pull at lines
// that another is writing.
struct Grouping {
  std::vector<std::vector<int>> groups;
  // Sum over groups of size * taps: the multiplications per position, including those by zero.
  double work = 0;
};

// None if the groups would be more work than `limit`. In very large layers only filters with a
// similar number of taps are compared.
std::optional<Grouping> group_filters(const TapSets& taps, int size,
                                      double limit = std::numeric_limits<double>::infinity());

}  // namespace patternlite
