// Choices that the process remembers.
#include "engine/plan/choice_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace patternlite::test {
namespace {

TEST(ChoiceMemory, ForgetsRatherThanGrowsWithoutEnd) {
  forget_choices();
  EXPECT_EQ(recall_choice(1), std::nullopt);
  for (std::uint64_t key = 0; key < 100'000; ++key) remember_choices({{key, ConvKernel::kIs}});
  EXPECT_EQ(recall_choice(1), std::nullopt);
  EXPECT_EQ(recall_choice(99'999), ConvKernel::kIs);
  forget_choices();
}

}  // namespace
}  // namespace patternlite::test
