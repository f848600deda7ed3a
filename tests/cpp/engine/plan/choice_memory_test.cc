// Choices that the process remembers.
#include "engine/plan/choice_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace patternlite::test {
namespace {

TEST(ChoiceMemory, ForgetsRatherThanGrowsWithoutEnd) {
  forget_choices();
  EXPECT_EQ(recall_choice(1, 0), std::nullopt);
  for (std::uint64_t key = 0; key < 100'000; ++key) {
    remember_choices({{key, ConvKernel::kIs}}, kSettled);
  }
  EXPECT_EQ(recall_choice(1, 0), std::nullopt);
  EXPECT_EQ(recall_choice(99'999, 0), ConvKernel::kIs);
  forget_choices();
}

TEST(ChoiceMemory, WhatWasNotTriedStaysUntilThereIsALargerBudget) {
  forget_choices();
  remember_choices({{1, ConvKernel::kIs}}, 0.2);
  EXPECT_EQ(recall_choice(1, 0.1), ConvKernel::kIs);
  EXPECT_EQ(recall_choice(1, 0.2), ConvKernel::kIs);
  EXPECT_EQ(recall_choice(1, 0.3), std::nullopt);
  remember_choices({{1, ConvKernel::kOs1}}, 0.1);
  EXPECT_EQ(recall_choice(1, 0.1), ConvKernel::kIs) << "a smaller one took its place";
  remember_choices({{1, ConvKernel::kOs2}}, kSettled);
  remember_choices({{1, ConvKernel::kIs}}, 60);
  EXPECT_EQ(recall_choice(1, 60), ConvKernel::kOs2) << "it was settled";
  forget_choices();
}

}  // namespace
}  // namespace patternlite::test
