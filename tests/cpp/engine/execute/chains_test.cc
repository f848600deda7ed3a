// Convolutions that run together, in parts: the same bits as one after the other.
#include "engine/plan/chains.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "engine/chain_cases.h"
#include "engine/random_convolution.h"
#include "engine/reference.h"
#include "engine/run_program.h"
#include "engine/support/aligned.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace patternlite::test {
namespace {

const ChainLimits kNone{.least_bytes = kAny, .most_bytes = 0};

// Inverted residual blocks of all sizes, strides and depthwise kernels, flat ones among them.
GraphBuilder random_blocks(unsigned seed) {
  GraphBuilder b(seed);
  auto& random = b.random();
  const int height = draw(random, 5, 70), width = draw(random, 5, 40);
  TensorId x = b.input({draw(random, 1, 9), height, width});
  for (int block = draw(random, 1, 3); block > 0; --block) {
    const int channels = b.graph.tensors[x].channels, wide = draw(random, 1, 4) * channels;
    const int kernel = 1 + 2 * draw(random, 1, 3), stride = draw(random, 1, 2);
    const double kept = draw(random, 0, 2) ? 0.4 : 1.0;
    TensorId y = x;
    if (draw(random, 0, 3)) {
      const int step = draw(random, 0, 5) ? 1 : 2;
      y = b.conv(y, wide, 1, step, 0, {.kernels_kept = kept}, Activation::kRelu6);
    }
    const TensorId before = y;
    const bool added = stride == 1 && draw(random, 0, 2) == 0;
    y = b.depthwise(y, kernel, stride, kernel / 2, {.taps = 4},
                    added ? Activation::kNone : Activation::kRelu);
    Window& w = std::get<Convolution>(b.graph.nodes.back().op).window;
    w.dilation_h = w.dilation_w = draw(random, 1, 2);
    w.pad_top = w.pad_left = w.dilation_h * (kernel / 2);
    const int flat = draw(random, 0, 5);
    if (flat == 0) w.kernel_h = 1, w.pad_top = 0;
    if (flat == 1) w.kernel_w = 1, w.pad_left = 0;
    if (added) y = b.sum(y, before, Activation::kRelu);
    if (draw(random, 0, 3)) {
      const Shape &in = b.graph.tensors[x], &out = b.graph.tensors[y];
      const bool residual = in.height == out.height && in.width == out.width && draw(random, 0, 1);
      const int step = residual || draw(random, 0, 5) ? 1 : 2;
      const int filters = residual ? channels : draw(random, 1, 20);
      const int pad = !residual && draw(random, 0, 3) == 0;  // its zeros are in no window
      y = b.conv(y, filters, 1, step, pad, {.kernels_kept = kept}, Activation::kNone);
      if (residual) y = b.sum(x, y, Activation::kNone);
    }
    x = y;
  }
  b.graph.outputs = {x};
  return b;
}

// Of a VGG: a convolution of any kind, and one whose result is pooled.
GraphBuilder random_head(unsigned seed) {
  GraphBuilder b(seed);
  auto& random = b.random();
  const int kernel = 1 + 2 * draw(random, 0, 2), next = 1 + 2 * draw(random, 0, 2);
  const int pad = next / 2 + (draw(random, 0, 3) == 0);
  TensorId x = b.input({draw(random, 1, 9), draw(random, 8, 70), draw(random, 8, 40)});
  x = b.conv(x, draw(random, 1, 40), kernel, draw(random, 1, 2), draw(random, 0, kernel / 2),
             draw(random, 0, 1) ? Pruning{} : random_pruning(random), Activation::kRelu);
  x = b.conv(x, draw(random, 1, 40), next, draw(random, 1, 2), pad, random_pruning(random),
             Activation::kRelu6);
  const int window = draw(random, 1, 3);
  x = b.pool(x, draw(random, 0, 1) ? PoolMode::kMax : PoolMode::kAverage, window,
             draw(random, window, 3), draw(random, 0, window / 2));
  b.graph.outputs = {b.conv(x, 3, 1, 1, 0, {})};
  return b;
}

class ChainsTest : public testing::TestWithParam<std::string> {
 protected:
  int formed_ = 0;  // programs with chains: windows take other memory than whole tensors

  void expect_equal_to_one_after_the_other(GraphBuilder b, unsigned seed) {
    const Graph graph = pooled_at_once(b.graph);
    const auto compile = [&](int threads, ChainLimits limits) {
      return Program::compile(graph, {.kernels = &kernels_named(GetParam()),
                                      .parallel = make_thread_pool(threads),
                                      .chains = limits,
                                      .least_shared = 0});
    };
    const auto apart = compile(1, kNone);
    std::vector<std::unique_ptr<Program>> chained;
    for (const std::size_t most : {std::size_t{2000}, std::size_t{20000}, kAny}) {
      chained.push_back(compile(1 + static_cast<int>(seed % 3), {0, most, 0, kOften}));
    }
    for (int repeat = 0; repeat < 2; ++repeat) {  // memory is used again: nothing may linger
      std::vector<Image> inputs{random_image(b.graph.tensors[b.graph.inputs[0]], b.random())};
      if (repeat == 0) inputs[0].values[seed % inputs[0].values.size()] = NAN;
      const Image expected = run(*apart, b.graph, inputs)[0];
      if (repeat == 1) {
        ASSERT_LT(relative_error(run_reference(b.graph, inputs)[0], expected), 2e-5);
      }
      for (const auto& program : chained) {
        if (repeat == 0) formed_ += program->activation_bytes() != apart->activation_bytes();
        const Image actual = run(*program, b.graph, inputs)[0];
        for (std::size_t i = 0; i < expected.values.size(); ++i) {
          const float want = expected.values[i], got = actual.values[i];
          ASSERT_TRUE(want == got || (std::isnan(want) && std::isnan(got)))
              << "seed " << seed << ", " << i << ": " << got << " instead of " << want;
        }
      }
    }
  }
};

TEST_P(ChainsTest, EqualTheSameConvolutionsOneAfterTheOther) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    expect_equal_to_one_after_the_other(random_blocks(seed), seed);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(formed_, 150) << "of 450";
}

TEST_P(ChainsTest, HeadsEqualTheSameConvolutionsOneAfterTheOther) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    expect_equal_to_one_after_the_other(random_head(seed), seed);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(formed_, 150) << "of 450";
}

// Their windows lie where those of larger maps lay before: a kernel of one row reads pads, too.
TEST_P(ChainsTest, FlatKernels) {
  GraphBuilder b(1);
  TensorId x = b.input({32, 32, 32});
  for (const int channels : {128, 96}) {
    x = b.conv(x, channels, 1, 1, 0, {.kernels_kept = 0.3, .shared = 4});
    x = b.depthwise(x, 3, 1, 1, {});
    Window& w = std::get<Convolution>(b.graph.nodes.back().op).window;
    w.kernel_h = 1, w.pad_top = 0;
    x = b.conv(x, 32, 1, 1, 0, {.kernels_kept = 0.3, .shared = 4});
    x = b.pool(x, PoolMode::kMax, 2, 2, 0);
  }
  b.graph.outputs = {x};
  const auto program = Program::compile(b.graph, {.kernels = &kernels_named(GetParam()),
                                                  .parallel = make_thread_pool(2),
                                                  .chains = {0, kAny},
                                                  .least_shared = 0});
  for (int repeat = 0; repeat < 2; ++repeat) {
    const std::vector<Image> inputs{random_image({32, 32, 32}, b.random())};
    EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0], run(*program, b.graph, inputs)[0]),
              2e-5);
  }
}

// Each splits its input by phases, in memory that the next one uses, too.
TEST_P(ChainsTest, StridedPointwiseConvolutions) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    GraphBuilder b(seed);
    const Pruning quads{.kernels_kept = 0.25, .shared = 4};
    TensorId x = b.input({16, 90, 44});
    x = b.conv(x, 16, 1, 2, 0, quads, Activation::kRelu);
    x = b.depthwise(x, 3, 1, 1, {});
    b.graph.outputs = {b.conv(x, 16, 1, 2, 0, quads)};
    expect_equal_to_one_after_the_other(std::move(b), seed);
  }
}

TEST_P(ChainsTest, OneTapThatReadsZeros) {
  for (unsigned seed = 0; seed < 3; ++seed) {
    GraphBuilder b(seed);
    TensorId x = b.conv(b.input({9, 20, 20}), 32, 1, 1, 0, {.kernels_kept = 0.3, .shared = 4});
    x = b.depthwise(x, 1, 1, 1, {});
    b.graph.outputs = {b.conv(x, 8, 1, 1, 0, {.kernels_kept = 0.3, .shared = 4})};
    expect_equal_to_one_after_the_other(std::move(b), seed);
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, ChainsTest, testing::ValuesIn(available_isas()),
                         [](const auto& info) { return info.param; });

// The second one lies behind the first.
TEST(Chains, WindowsBeginWithCacheLines) {
  static int parts, apart;
  parts = apart = 0;
  kernels::KernelTable table = best_kernels();
  table.conv_depthwise_planes = [](const kernels::ConvDepthwise& task) {
    ++parts;
    for (const float* window : {task.input, static_cast<const float*>(task.output)}) {
      apart += reinterpret_cast<std::uintptr_t>(window) % kCacheLine != 0;
    }
    best_kernels().conv_depthwise_planes(task);
  };
  GraphBuilder b(1);
  TensorId x = b.conv(b.input({8, 40, 21}), 16, 1, 1, 0, {.kernels_kept = 0.5, .shared = 4});
  x = b.depthwise(x, 3, 1, 1, {});
  b.graph.outputs = {b.conv(x, 8, 1, 1, 0, {.kernels_kept = 0.5, .shared = 4})};
  const auto program =
      Program::compile(b.graph, {.kernels = &table, .chains = {0, 20000, 0, kOften}});
  run(*program, b.graph, {random_image({8, 40, 21}, b.random())});
  EXPECT_GT(parts, 1);
  EXPECT_EQ(apart, 0);
}

// A 1x1 convolution, then a depthwise one that reads something else, then its projection.
TEST(Chains, NeighboursThatAreNotLinked) {
  GraphBuilder b(1);
  const TensorId image = b.input({96, 32, 32});
  const TensorId side = b.conv(image, 96, 1, 1, 0, {.kernels_kept = 0.25});
  const TensorId planes = b.depthwise(image, 3, 1, 1, {.taps = 4});
  b.graph.outputs = {b.conv(planes, 24, 1, 1, 0, {.kernels_kept = 0.25}),
                     b.conv(side, 24, 1, 1, 0, {.kernels_kept = 0.25})};
  const std::vector<Image> inputs{random_image({96, 32, 32}, b.random())};
  const auto program = Program::compile(
      b.graph,
      {.parallel = make_thread_pool(2), .chains = {0, std::size_t(-1)}, .least_shared = 0});
  const auto expected = run_reference(b.graph, inputs), actual = run(*program, b.graph, inputs);
  for (int i : {0, 1}) EXPECT_LT(relative_error(expected[i], actual[i]), 2e-5);
}

}  // namespace
}  // namespace patternlite::test
