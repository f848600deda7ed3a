// Where each filter of a convolution has non-zero weights, as bits: what recognition, grouping and
// packing work on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/graph/graph.h"

namespace patternlite {

// Taps are numbered channel * area + y * kernel_w + x, with area = kernel_h * kernel_w.
class TapSets {
 public:
  using Set = std::vector<std::uint64_t>;

  // channels: how many each filter reads; 1 in a depthwise convolution.
  TapSets(const Convolution& conv, int filters, int channels);

  int filters() const { return filters_; }
  int channels() const { return channels_; }
  int area() const { return area_; }
  // The number of non-zero weights of one filter, and of all.
  int count(int filter) const { return counts_[filter]; }
  double total() const;
  bool finite() const { return finite_; }  // no NaN or Inf among the weights
  // In a grouped convolution, the number of the group, whose filters read the same channels.
  int conv_group(int filter) const { return group_filters_ ? filter / group_filters_ : 0; }
  bool has_conv_groups() const { return group_filters_ > 0; }

  bool has(int filter, int tap) const { return bits(filter)[tap / 64] >> tap % 64 & 1; }
  std::span<const std::uint64_t> bits(int filter) const {
    return {bits_.data() + static_cast<std::size_t>(filter) * words_,
            static_cast<std::size_t>(words_)};
  }

  Set empty_set() const { return Set(words_); }
  void add_to(Set& set, int filter) const;
  // How many taps `filter` would add to a set.
  int added_by(int filter, const Set& set) const;
  // The taps that any of the filters has, ascending.
  std::vector<int> taps_of(const std::vector<int>& filters) const;

 private:
  int filters_, channels_, area_, words_, group_filters_;
  std::vector<std::uint64_t> bits_;
  std::vector<int> counts_;
  bool finite_ = true;
};

}  // namespace patternlite
