#include "engine/grouping.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <tuple>

namespace patternlite {

TapSets::TapSets(const Convolution& conv, int filters, int channels)
    : filters_(filters), counts_(filters) {
  const int area = conv.window.kernel_h * conv.window.kernel_w;
  words_ = (channels * area + 63) / 64;
  bits_.resize(static_cast<std::size_t>(filters) * words_);
  for (int o = 0; o < filters; ++o) {
    std::uint64_t* row = bits_.data() + static_cast<std::size_t>(o) * words_;
    int tap = 0;
    for (int i = 0; i < channels; ++i) {
      for (int y = 0; y < conv.window.kernel_h; ++y) {
        for (int x = 0; x < conv.window.kernel_w; ++x, ++tap) {
          if (conv.weights.at(o, i, y, x) == 0.0f) continue;
          row[tap / 64] |= std::uint64_t{1} << tap % 64;
          ++counts_[o];
        }
      }
    }
  }
}

std::vector<int> TapSets::taps_of(const std::vector<int>& filters) const {
  std::vector<std::uint64_t> set = empty_set();
  for (int filter : filters) add_to(set, filter);
  std::vector<int> taps;
  for (int word = 0; word < words_; ++word) {
    for (std::uint64_t rest = set[word]; rest != 0; rest &= rest - 1) {
      taps.push_back(word * 64 + std::countr_zero(rest));
    }
  }
  return taps;
}

int TapSets::added_by(int filter, const std::vector<std::uint64_t>& set) const {
  const std::uint64_t* own = bits(filter);
  int added = 0;
  for (int word = 0; word < words_; ++word) added += std::popcount(own[word] & ~set[word]);
  return added;
}

void TapSets::add_to(std::vector<std::uint64_t>& set, int filter) const {
  const std::uint64_t* own = bits(filter);
  for (int word = 0; word < words_; ++word) set[word] |= own[word];
}

Grouping group_filters(const TapSets& taps, int size) {
  // The fullest filters lead: the others can hide in their taps.
  std::vector<int> left(taps.filters());
  std::iota(left.begin(), left.end(), 0);
  std::stable_sort(left.begin(), left.end(),
                   [&](int a, int b) { return taps.count(a) > taps.count(b); });
  Grouping result;
  while (!left.empty()) {
    std::vector<int> group{left.front()};
    left.erase(left.begin());
    std::vector<std::uint64_t> set = taps.empty_set();
    taps.add_to(set, group.front());
    int set_size = taps.count(group.front());
    while (static_cast<int>(group.size()) < size && !left.empty()) {
      auto best = left.begin();
      int fewest = std::numeric_limits<int>::max();
      for (auto it = left.begin(); it != left.end() && fewest > 0; ++it) {
        // Among equals, prefer the filter that uses most of the set.
        const int added = taps.added_by(*it, set);
        if (added < fewest) std::tie(fewest, best) = std::pair(added, it);
      }
      taps.add_to(set, *best);
      set_size += fewest;
      group.push_back(*best);
      left.erase(best);
    }
    std::sort(group.begin(), group.end());
    result.work += static_cast<double>(size) * set_size;
    result.groups.push_back(std::move(group));
  }
  return result;
}

}  // namespace patternlite
