#include "engine/pack/grouping.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace patternlite {

std::optional<Grouping> group_filters(const TapSets& taps, int size, double limit) {
  // The fullest filters lead: the others can hide in their taps.
  std::vector<int> left(taps.filters());
  std::iota(left.begin(), left.end(), 0);
  std::stable_sort(left.begin(), left.end(),
                   [&](int a, int b) { return taps.count(a) > taps.count(b); });
  Grouping result;
  while (!left.empty()) {
    std::vector<int> group{left.front()};
    left.erase(left.begin());
    TapSets::Set set = taps.empty_set();
    taps.add_to(set, group.front());
    int set_size = taps.count(group.front());
    while (static_cast<int>(group.size()) < size && !left.empty()) {
      auto best = left.begin();
      int fewest = std::numeric_limits<int>::max();
      for (auto it = left.begin(); it != left.end() && fewest > 0; ++it) {
        const int added = taps.added_by(*it, set);
        if (added >= fewest) continue;
        fewest = added;
        best = it;
      }
      taps.add_to(set, *best);
      set_size += fewest;
      group.push_back(*best);
      left.erase(best);
    }
    std::sort(group.begin(), group.end());
    result.work += static_cast<double>(size) * set_size;
    if (result.work > limit) return std::nullopt;
    result.groups.push_back(std::move(group));
  }
  return result;
}

}  // namespace patternlite
