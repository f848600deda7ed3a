// What operators' parameters mean, whatever a file says.
#include "tflite/read/parameters.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

namespace patternlite::tflite {
namespace {

constexpr int kMost = std::numeric_limits<int>::max();

TEST(Parameters, SlideAsTfliteDoes) {
  const auto slid = [](TfLitePadding padding, int input, int kernel, int stride, int dilation) {
    const Axis axis = slide(padding, input, kernel, stride, dilation);
    return std::pair(axis.output, axis.pad);
  };
  EXPECT_EQ(slid(kTfLitePaddingSame, 9, 3, 1, 1), std::pair(9, 1));
  EXPECT_EQ(slid(kTfLitePaddingSame, 9, 3, 2, 2), std::pair(5, 2));
  EXPECT_EQ(slid(kTfLitePaddingSame, 9, 1, 3, 1), std::pair(3, 0));
  EXPECT_EQ(slid(kTfLitePaddingValid, 9, 3, 2, 1), std::pair(4, 0));
  EXPECT_EQ(slid(kTfLitePaddingValid, 2, 3, 1, 1), std::pair(0, 0));
}

TEST(Parameters, NumbersOfADamagedFileDoNotWrap) {
  EXPECT_EQ(slide(kTfLitePaddingValid, 9, 5, 1, 1 << 30).output, 0);
  EXPECT_EQ(slide(kTfLitePaddingSame, 9, 5, 1, 1 << 30).pad, kMost / 4);
  EXPECT_EQ(slide(kTfLitePaddingSame, 9, 5, kMost, 1).output, 1);
  EXPECT_TRUE(touches(kTfLitePaddingValid, 8, 8, 5, 1 << 30));
}

}  // namespace
}  // namespace patternlite::tflite
