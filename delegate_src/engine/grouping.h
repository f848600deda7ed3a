// Filter kernel reorder: which filters are packed together (PatDNN, section 4.2, generalised).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/graph.h"

namespace patternlite {

// The taps of a convolution's filters: where each filter has non-zero weights.
class TapSets {
 public:
  TapSets(const Convolution& conv, int filters, int channels);

  int filters() const { return filters_; }
  int count(int filter) const { return counts_[filter]; }
  // Taps of any of the filters, as indices channel * kernel_h * kernel_w + y * kernel_w + x,
  // sorted.
  std::vector<int> taps_of(const std::vector<int>& filters) const;
  // Taps that `filter` would add to a set.
  int added_by(int filter, const std::vector<std::uint64_t>& set) const;
  void add_to(std::vector<std::uint64_t>& set, int filter) const;
  std::vector<std::uint64_t> empty_set() const { return std::vector<std::uint64_t>(words_); }

 private:
  const std::uint64_t* bits(int filter) const {
    return bits_.data() + static_cast<std::size_t>(filter) * words_;
  }
  int filters_, words_;
  std::vector<std::uint64_t> bits_;
  std::vector<int> counts_;
};

// Groups of at most `size` filters, each filter in one group. A group runs every tap that any of
// its filters has, so filters with like taps are put together, greedily.
struct Grouping {
  std::vector<std::vector<int>> groups;
  // Sum over groups of size * taps: the multiplications per position, zeros among them counted.
  double work = 0;
};
Grouping group_filters(const TapSets& taps, int size);

}  // namespace patternlite
