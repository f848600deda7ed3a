// The kernels that are tried for a convolution.
#include "engine/plan/candidates.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "engine/one_convolution.h"
#include "engine/support/isa.h"

namespace patternlite::test {
namespace {

TEST(Candidates, AreWithinReachOfTheBestAndCheapestFirst) {
  for (const int stride : {1, 2}) {
    for (const int shared : {1, 2, 4, 16}) {
      const OneConvolution c(64, 32, 3, {.kernels_kept = 0.4, .taps = 4, .shared = shared}, 14,
                             stride);
      const Shape output = c.graph.tensors[1];
      const Analysis analysis(c.conv, c.graph.tensors[0], output);
      const CostModel model(c.conv.window, {c.graph.tensors[0], 1}, {output, 1}, best_kernels());
      const auto all = candidates(analysis, model, 1e9);
      ASSERT_FALSE(all.empty());
      int running = 0;
      for (const ConvKernelTraits& traits : kConvKernels) running += model.runs(traits.kernel);
      EXPECT_EQ(static_cast<int>(all.size()), running);
      for (const double within : {1.0, 1.3, 2.0}) {
        const auto some = candidates(analysis, model, within);
        std::size_t expected = 0;
        while (expected < all.size() && all[expected].cost <= within * all[0].cost) ++expected;
        ASSERT_EQ(some.size(), expected);
        for (std::size_t i = 0; i < expected; ++i) {
          EXPECT_EQ(some[i].choice.kernel, all[i].choice.kernel);
          EXPECT_EQ(candidate_of(some[i].choice.kernel, analysis, model).cost, some[i].cost);
        }
      }
    }
  }
}

}  // namespace
}  // namespace patternlite::test
