// Which rows of an input rows of an output need, and how many of them are held.
#include "engine/graph/row_window.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace patternlite::test {
namespace {

TEST(RowsRead, OfNoRowsAreNone) {
  const Window window{.kernel_h = 1, .stride_h = 3, .pad_top = 1};
  for (int row = 0; row < 5; ++row) {
    const Range read = rows_read(window, {row, row}, 9);
    EXPECT_EQ(read.begin, std::clamp(3 * row - 1, 0, 9));
    EXPECT_EQ(read.count(), 0);
  }
}

// Rows begin at any place in a cache line.
TEST(RowsToHold, OfSomeRowsAreEnoughWhereverTheyLie) {
  for (int width = 1; width <= 40; ++width) {
    const PlanarLayout layout{{1, 100, width}, width % 3};
    for (int begin = 0; begin < 90; ++begin) {
      for (int count = 1; count <= 5; ++count) {
        ASSERT_LE(rows_to_hold(Range{begin, begin + count}, layout), rows_to_hold(count, layout))
            << "width " << width << ", row " << begin;
      }
    }
  }
}

}  // namespace
}  // namespace patternlite::test
