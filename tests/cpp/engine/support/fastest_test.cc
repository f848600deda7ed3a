// Which of a few ways takes the least time.
#include "engine/support/fastest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace patternlite::test {
namespace {

// A stopwatch that knows what each way takes.
class Ways {
 public:
  explicit Ways(std::vector<double> seconds)
      : seconds_(std::move(seconds)), runs(seconds_.size()) {}
  std::optional<int> fastest_within(double budget) {
    return fastest(static_cast<int>(seconds_.size()), budget, [this](int way) {
      ++runs[way];
      spent += seconds_[way];
      return seconds_[way];
    });
  }

 private:
  std::vector<double> seconds_;

 public:
  std::vector<int> runs;
  double spent = 0;
};

TEST(Fastest, IsTheOneThatTakesLeast) {
  EXPECT_EQ(Ways({3, 2, 1}).fastest_within(1000), 2);
  EXPECT_EQ(Ways({3, 1, 2}).fastest_within(1000), 1);
  EXPECT_EQ(Ways({1, 2, 3}).fastest_within(1000), 0);
  EXPECT_EQ(Ways({1}).fastest_within(1000), 0);
}

TEST(Fastest, KeepsTheFirstInDoubt) {
  EXPECT_EQ(Ways({1.00, 0.99}).fastest_within(1000), 0);
  EXPECT_EQ(Ways({1.00, 0.95}).fastest_within(1000), 1);
  EXPECT_EQ(Ways({1.00, 0.95}).fastest_within(4), 0) << "after two rounds";
  EXPECT_EQ(Ways({1.00, 0.90}).fastest_within(4), 1);
  EXPECT_EQ(Ways({1.00, 0.90}).fastest_within(2), 0) << "after one round";
  EXPECT_EQ(Ways({1.00, 0.80}).fastest_within(2), 1);
  EXPECT_EQ(Ways({2, 1}).fastest_within(0), std::nullopt);
  EXPECT_EQ(Ways({2, 1}).fastest_within(3.9), std::nullopt) << "the second was not to fit";
  EXPECT_EQ(Ways({2, 1}).fastest_within(4), 1);
}

TEST(Fastest, SpendsNoMoreThanItMay) {
  for (const double budget : {0.0, 1.0, 5.0, 20.0}) {
    Ways ways({1.0, 1.1, 0.9});
    ways.fastest_within(budget);
    // A way's first run cannot be foreseen.
    EXPECT_LE(ways.spent, std::max(budget, 1.0) + 0.1) << budget;
  }
}

TEST(Fastest, DoesNotRunTheHopelessToTheEnd) {
  Ways ways({1, 3, 1.1});
  ways.fastest_within(1000);
  EXPECT_EQ(ways.runs[1], 2);
  EXPECT_GT(ways.runs[2], 4);
}

// One slow run, as when the machine does something else, does not count.
TEST(Fastest, IsNotMisledByOneSlowRun) {
  int call = 0;
  const auto run = [&](int way) { return ++call == 2 ? 100.0 : way == 1 ? 1.0 : 2.0; };
  EXPECT_EQ(fastest(2, 1000, run), 1);
}

}  // namespace
}  // namespace patternlite::test
