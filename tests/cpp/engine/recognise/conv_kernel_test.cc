// What the kernels are called.
#include "engine/recognise/conv_kernel.h"

#include <gtest/gtest.h>

#include <optional>

namespace patternlite::test {
namespace {

TEST(ConvKernels, NamesAreUniqueAndFound) {
  for (const ConvKernelTraits& traits : kConvKernels) {
    EXPECT_EQ(kernel_named(traits.name), traits.kernel);
    EXPECT_EQ(traits_of(traits.kernel).name, traits.name);
  }
  EXPECT_EQ(kernel_named("os-g3"), std::nullopt);
  EXPECT_EQ(kernel_named(""), std::nullopt);
}

}  // namespace
}  // namespace patternlite::test
