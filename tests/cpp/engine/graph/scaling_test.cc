#include "engine/graph/scaling.h"

#include <gtest/gtest.h>

namespace patternlite {
namespace {

constexpr float kInput = 0.75f;

// What the operation makes of kInput and one number.
std::optional<float> made(ArithmeticKind kind, float number, bool number_first) {
  const std::optional<Scaling> scaling = scaling_by(kind, {number}, number_first);
  if (!scaling) return std::nullopt;
  return kInput * scaling->scales.at(0) + scaling->shifts.at(0);
}

TEST(ScalingTest, ComputesWhatTheOperationDoes) {
  for (const bool first : {false, true}) {
    EXPECT_EQ(made(ArithmeticKind::kAdd, 4, first), kInput + 4);
    EXPECT_EQ(made(ArithmeticKind::kMultiply, 4, first), kInput * 4);
  }
  EXPECT_EQ(made(ArithmeticKind::kSubtract, 4, false), kInput - 4);
  EXPECT_EQ(made(ArithmeticKind::kSubtract, 4, true), 4 - kInput);
  EXPECT_EQ(made(ArithmeticKind::kDivide, 4, false), kInput / 4);
}

TEST(ScalingTest, SomeQuotientsAreNone) {
  EXPECT_EQ(made(ArithmeticKind::kDivide, 4, true), std::nullopt);
  EXPECT_EQ(made(ArithmeticKind::kDivide, 0, false), std::nullopt);
  EXPECT_EQ(made(ArithmeticKind::kDivide, 1e-39f, false), std::nullopt);  // 1e39 is no float
}

}  // namespace
}  // namespace patternlite
