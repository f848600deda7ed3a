// How maps lie in planar memory.
#include "engine/graph/planar.h"

#include <gtest/gtest.h>

#include <cstddef>

namespace patternlite::test {
namespace {

TEST(PlanarLayout, PlanesKeepTheirPromises) {
  for (int height : {1, 4, 7, 14, 33}) {
    for (int width : {1, 4, 7, 16, 31}) {
      for (int border : {0, 1, 3}) {
        for (bool whole_lines : {false, true}) {
          PlanarLayout layout{{5, height, width}, border};
          layout.whole_lines = whole_lines;
          if (whole_lines) EXPECT_EQ(layout.pitch() % 16, 0);
          EXPECT_GE(layout.pitch(), width + border);
          EXPECT_EQ(layout.plane() / 16 % 2, 1u);
          EXPECT_EQ(layout.lead() % 16, 0);
          EXPECT_GE(layout.lead(), border * layout.pitch() + border);
          EXPECT_GE(layout.plane(),
                    layout.lead() + static_cast<std::size_t>(layout.padded_positions()));
        }
      }
    }
  }
}

}  // namespace
}  // namespace patternlite::test
