#include "engine/pack/grouping.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/support/counted.h"

namespace patternlite {
namespace {

// The most words of tap sets to compare while groups are filled one after the other: tens of
// milliseconds. Filters beyond that reach are not considered; layers of up to about a thousand
// filters are within it.
constexpr double kComparisons = 64e6;

// Filters with most taps come first, since the others' taps may be among theirs. Filters with equal
// taps are neighbours, so that they are found within any reach; so are those that read the same
// channels.
std::vector<int> fullest_first(const TapSets& taps) {
  std::vector<int> order = counted(taps.filters());
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    if (taps.conv_group(a) != taps.conv_group(b)) return taps.conv_group(a) < taps.conv_group(b);
    if (taps.count(a) != taps.count(b)) return taps.count(a) > taps.count(b);
    return std::ranges::lexicographical_compare(taps.bits(a), taps.bits(b));
  });
  return order;
}

int reach_of(const TapSets& taps) {
  const double words = static_cast<double>(taps.bits(0).size()) * taps.filters();
  return std::max(32, static_cast<int>(kComparisons / words));
}

}  // namespace

std::optional<Grouping> group_filters(const TapSets& taps, int size, double limit) {
  std::vector<int> left = fullest_first(taps);
  const int reach = reach_of(taps);
  double least_rest = taps.total();  // the work of the filters left, if no group adds zeros
  Grouping result;
  while (!left.empty()) {
    std::vector<int> group{left.front()};
    left.erase(left.begin());
    TapSets::Set set = taps.empty_set();
    taps.add_to(set, group.front());
    int set_size = taps.count(group.front());
    const int conv_group = taps.conv_group(group.front());
    while (static_cast<int>(group.size()) < size && !left.empty() &&
           taps.conv_group(left.front()) == conv_group) {
      auto best = left.begin();
      int fewest = std::numeric_limits<int>::max();
      const auto end = left.begin() + std::min<std::ptrdiff_t>(left.size(), reach);
      for (auto it = left.begin(); it != end && fewest > 0; ++it) {
        if (taps.conv_group(*it) != conv_group) break;
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
    for (int filter : group) least_rest -= taps.count(filter);
    if (result.work + least_rest > limit) return std::nullopt;
    result.groups.push_back(std::move(group));
  }
  std::ranges::sort(result.groups, {}, [](const std::vector<int>& group) { return group.front(); });
  return result;
}

}  // namespace patternlite
