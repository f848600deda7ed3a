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
  EXPECT_EQ(slid(kTfLitePaddingSame, 10, 3, 2, 1), std::pair(5, 0));  // a single zero, behind
  EXPECT_EQ(slid(kTfLitePaddingValid, 9, 3, 2, 1), std::pair(4, 0));
  EXPECT_EQ(slid(kTfLitePaddingValid, 5, 3, 1, 2), std::pair(1, 0));
  EXPECT_EQ(slid(kTfLitePaddingValid, 2, 3, 1, 1), std::pair(0, 0));
}

// Padded by so many zeros, an image of any size has no window that holds nothing else.
bool each_window_touches(TfLitePadding padding, int before, int after, int kernel, int dilation) {
  for (int stride = 1; stride < 4; ++stride) {
    for (int size = 1; size < 12; ++size) {
      const Axis axis = slide(padding, before + size + after, kernel, stride, dilation);
      for (int i = 0; i < axis.output; ++i) {
        const int first = i * stride - axis.pad - before, last = first + (kernel - 1) * dilation;
        if (last < 0 || first >= size) return false;
      }
    }
  }
  return true;
}

TEST(Parameters, PadsThatEveryWindowReachesOver) {
  for (const TfLitePadding padding : {kTfLitePaddingValid, kTfLitePaddingSame}) {
    for (const int kernel : {1, 2, 3, 4}) {
      for (const int dilation : {1, 2, 3}) {
        for (int before = 0; before < 12; ++before) {
          for (int after = 0; after < 12; ++after) {
            EXPECT_EQ(touches(padding, before, after, kernel, dilation),
                      each_window_touches(padding, before, after, kernel, dilation))
                << padding << ' ' << before << ' ' << after << ' ' << kernel << ' ' << dilation;
          }
        }
      }
    }
  }
}

TEST(Parameters, NumbersOfADamagedFileDoNotWrap) {
  EXPECT_EQ(slide(kTfLitePaddingValid, 9, 5, 1, 1 << 30).output, 0);
  EXPECT_EQ(slide(kTfLitePaddingSame, 9, 5, 1, 1 << 30).pad, kMost / 4);
  EXPECT_EQ(slide(kTfLitePaddingSame, 9, 5, kMost, 1).output, 1);
  EXPECT_TRUE(touches(kTfLitePaddingValid, 8, 8, 5, 1 << 30));
}

}  // namespace
}  // namespace patternlite::tflite
