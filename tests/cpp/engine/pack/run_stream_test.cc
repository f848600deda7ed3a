// How taps are joined to runs.
#include "engine/pack/run_stream.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace patternlite::test {
namespace {

TEST(JoinRuns, TakesNeighboursAStepApartAndEveryTapOnce) {
  using Runs = std::vector<std::vector<int>>;
  const std::vector<int32_t> offsets{5, 1, 2, 3, 9, 4, 30};
  EXPECT_EQ(join_runs(offsets, 1, 3), (Runs{{4}, {6}, {5, 0}, {1, 2, 3}}));
  EXPECT_EQ(join_runs(offsets, 1, 1).size(), offsets.size());
  EXPECT_EQ(join_runs(offsets, 2, 3), (Runs{{4}, {6}, {2, 5}, {1, 3, 0}}));
  EXPECT_EQ(join_runs(std::vector<int32_t>{7, 7, 8}, 1, 3), (Runs{{1}, {0, 2}}));  // a tap twice
  EXPECT_TRUE(join_runs({}, 1, 3).empty());
}

}  // namespace
}  // namespace patternlite::test
