#include "engine/support/fastest.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <vector>

namespace patternlite {
namespace {

constexpr int kMostRounds = 8;
// To win, another way must take less than this part of way 0's time after 1, 2, or more rounds:
// with fewer rounds, the difference must be clearer.
constexpr double kClearly[] = {0.85, 0.92, 0.97};
// After a round to warm up, ways that take this many times as long as the fastest are dropped.
constexpr double kOut = 1.25;

}  // namespace

std::optional<int> fastest(int ways, double seconds, const std::function<double(int)>& run) {
  std::vector<double> best(ways, std::numeric_limits<double>::infinity());
  std::vector<int> runs(ways);
  const auto winner = [&] {
    const auto least = std::ranges::min_element(best) - best.begin();
    const int rounds = std::min<int>(runs[least], std::size(kClearly));
    return best[least] < kClearly[rounds - 1] * best[0] ? static_cast<int>(least) : 0;
  };
  double spent = 0;
  for (int round = 0; round < kMostRounds; ++round) {
    const double leader = *std::ranges::min_element(best);
    for (int way = 0; way < ways; ++way) {
      if (round > 1 && best[way] > kOut * leader) continue;
      // A way that has not run yet is expected to take as long as way 0.
      const double expected = round > 0 ? best[way] : way > 0 ? best[0] : 0;
      if (spent + expected > seconds) {
        return round > 0 ? std::optional(winner()) : std::nullopt;
      }
      const double took = run(way);
      spent += took;
      best[way] = std::min(best[way], took);
      ++runs[way];
    }
  }
  return winner();
}

}  // namespace patternlite
