// Which filters are packed together.
#include "engine/pack/grouping.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/one_convolution.h"

namespace patternlite::test {
namespace {

TEST(Grouping, GivesUpBeyondTheLimit) {
  OneConvolution c(32, 16, 3, {.kernels_kept = 0.5, .taps = 4});
  const double work = group_filters(c.taps(), 4)->work;
  EXPECT_FALSE(group_filters(c.taps(), 4, work - 1));
  EXPECT_TRUE(group_filters(c.taps(), 4, work));
}

TEST(Grouping, EveryFilterOnce) {
  OneConvolution c(37, 8, 3, {.kernels_kept = 0.3, .taps = 4});
  for (int size : {1, 2, 4, 16}) {
    std::vector<int> seen(37);
    const auto grouping = group_filters(c.taps(), size);
    for (const auto& group : grouping->groups) {
      EXPECT_LE(static_cast<int>(group.size()), size);
      for (int filter : group) ++seen[filter];
    }
    EXPECT_EQ(seen, std::vector<int>(37, 1));
  }
}

}  // namespace
}  // namespace patternlite::test
