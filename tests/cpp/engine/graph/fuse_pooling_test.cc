// Which pools are folded into the convolutions before them.
#include <gtest/gtest.h>

#include <vector>

#include "engine/graph/fuse.h"
#include "engine/networks.h"
#include "engine/run_program.h"

namespace patternlite::test {
namespace {

// Large maps: pooled in the convolution before them.
TEST(Fuse, PoolsOfAnyKind) {
  for (const PoolMode mode : {PoolMode::kMax, PoolMode::kAverage}) {
    for (const bool depthwise : {false, true}) {
      for (const bool twice : {false, true}) {
        GraphBuilder b(1);
        const TensorId image = b.input({8, 186, 186});
        TensorId x = depthwise ? b.depthwise(image, 3, 1, 1, {.taps = 4})
                               : b.conv(image, 32, 1, 1, 0, {.kernels_kept = 0.3});
        x = b.activate(b.pool(x, mode, 2, 2, 0), Activation::kRelu);
        if (twice) x = b.pool(x, PoolMode::kMax, 2, 2, 0);
        b.graph.outputs = {x};
        const std::vector<Image> inputs{random_image({8, 186, 186}, b.random())};
        const Image actual = run(*Program::compile(b.graph, {}), b.graph, inputs)[0];
        EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0], actual), 2e-5)
            << depthwise << twice;
      }
    }
  }
}

// Threads share the rows of a pooled convolution.
TEST(Fuse, LeavesPoolsOfFewRowsAlone) {
  for (const int height : {2, 64}) {
    GraphBuilder b(1);
    const TensorId x = b.conv(b.input({3, height, 8192}), 32, 1, 1, 0, {});
    b.graph.outputs = {b.pool(x, PoolMode::kMax, 2, 2, 0)};
    EXPECT_EQ(fuse(b.graph).nodes.size(), height == 2 ? 2 : 1);
  }
}

TEST(Fuse, PoolsAStridedPointwiseConvolution) {
  GraphBuilder b(1);
  const TensorId x = b.conv(b.input({3, 372, 372}), 8, 1, 2, 0, {});
  b.graph.outputs = {b.pool(x, PoolMode::kMax, 2, 2, 0)};
  const std::vector<Image> inputs{random_image({3, 372, 372}, b.random())};
  EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0],
                           run(*Program::compile(b.graph, {}), b.graph, inputs)[0]),
            2e-5);
}

// Its own result needs them, not what is pooled of that.
TEST(Fuse, PoolsAConvolutionOfZerosBehindTheMap) {
  GraphBuilder b(1);
  const TensorId x = b.conv(b.input({3, 372, 372}), 8, Window{2, 2}, 1, 1, {});
  b.graph.outputs = {b.pool(x, PoolMode::kMax, 2, 2, 0)};
  ASSERT_EQ(fuse(b.graph).nodes.size(), 1u);
  const std::vector<Image> inputs{random_image({3, 372, 372}, b.random())};
  EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0],
                           run(*Program::compile(b.graph, {}), b.graph, inputs)[0]),
            2e-5);
}

TEST(Fuse, PoolsInTheConvolutionWhereNobodyElseReadsItsLargeMap) {
  const auto nodes = [](int size, auto build) {
    GraphBuilder b(1);
    build(b, b.conv(b.input({4, size, size}), 8, 3, 1, 1, {}));
    return fuse(b.graph).nodes.size();
  };
  const auto pool = [](int kernel, int stride) {
    return [=](GraphBuilder& b, TensorId x) {
      b.graph.outputs = {b.pool(x, PoolMode::kAverage, kernel, stride, 0)};
    };
  };
  EXPECT_EQ(nodes(200, pool(2, 2)), 1u);
  EXPECT_EQ(nodes(200, pool(3, 2)), 1u);
  EXPECT_EQ(nodes(200, pool(3, 1)), 2u) << "each row would be computed three times";
  EXPECT_EQ(nodes(20, pool(2, 2)), 2u) << "the map stays in the cache";
  EXPECT_EQ(
      nodes(200, [](GraphBuilder& b,
                    TensorId x) { b.graph.outputs = {b.pool(x, PoolMode::kMax, 2, 2, 0), x}; }),
      2u);
  EXPECT_EQ(nodes(200,
                  [](GraphBuilder& b, TensorId x) {
                    const TensorId y = b.sum(x, b.conv(x, 8, 3, 1, 1, {}), Activation::kNone);
                    b.graph.outputs = {b.pool(y, PoolMode::kMax, 2, 2, 0)};
                  }),
            3u)
      << "with a residual";
  EXPECT_EQ(nodes(200,
                  [](GraphBuilder& b, TensorId x) {
                    b.graph.outputs = {b.pool(b.bend(x, Curve::kSilu), PoolMode::kMax, 2, 2, 0)};
                  }),
            2u)
      << "with a curve";
  GraphBuilder b(1);
  const TensorId x = b.fully_connected(b.input({2, 1, 1}), 1 << 18, {});
  b.graph.outputs = {b.pool(x, PoolMode::kMax, 1, 1, 0)};
  EXPECT_EQ(fuse(b.graph).nodes.size(), 2u) << "fully connected layers do not pool";
}

}  // namespace
}  // namespace patternlite::test
