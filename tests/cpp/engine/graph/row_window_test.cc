// Which rows of an input rows of an output need.
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

}  // namespace
}  // namespace patternlite::test
