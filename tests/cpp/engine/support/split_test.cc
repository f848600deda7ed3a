// How a loop is cut into tasks.
#include "engine/support/split.h"

#include <gtest/gtest.h>

namespace patternlite::test {
namespace {

TEST(CutRows, WhereEachThreadGetsAFew) {
  EXPECT_TRUE(cut_rows(14, 14, 2));
  EXPECT_FALSE(cut_rows(7, 7, 2)) << "small maps are cut into channels";
  EXPECT_FALSE(cut_rows(1, 1000, 2));
  EXPECT_FALSE(cut_rows(3, 1000, 2));
}

TEST(RangeOf, CoversEverythingOnce) {
  for (int count : {0, 1, 5, 64, 1000}) {
    for (int parts : {1, 2, 3, 7}) {
      for (int unit : {1, 16}) {
        int next = 0;
        for (int part = 0; part < parts; ++part) {
          const auto [first, last] = range_of(count, parts, part, unit);
          EXPECT_EQ(first, next);
          EXPECT_TRUE(first % unit == 0 || first == count);
          next = last;
        }
        EXPECT_EQ(next, count);
      }
    }
  }
}

TEST(RangeOf, CountsLargeTensorsAndManyThreads) {
  constexpr int kCount = 2'000'000'000, kParts = 256;
  int next = 0;
  for (int part = 0; part < kParts; ++part) {
    const auto [first, last] = range_of(kCount, kParts, part, 16);
    ASSERT_EQ(first, next);
    ASSERT_NEAR(last - first, kCount / kParts, 16);
    next = last;
  }
  EXPECT_EQ(next, kCount);
}

}  // namespace
}  // namespace patternlite::test
