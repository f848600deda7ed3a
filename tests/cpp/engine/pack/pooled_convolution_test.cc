// Convolutions that pool their result at once: the same bits as one after the other.
#include "engine/pack/pooled_convolution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/chain_cases.h"
#include "engine/networks.h"
#include "engine/pack/pool_task.h"
#include "engine/planar.h"
#include "engine/random_convolution.h"
#include "engine/recognise/cost_model.h"
#include "engine/run_program.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"
#include "kernels/bits.h"

namespace patternlite::test {
namespace {

Pooling random_pooling(std::mt19937& random, const Shape& map) {
  Pooling op{.mode = draw(random, 0, 1) ? PoolMode::kMax : PoolMode::kAverage,
             .activation = random_activation(random)};
  Window& w = op.window;
  w.stride_h = draw(random, 1, 3), w.stride_w = draw(random, 1, 3);
  w.kernel_h = std::min(draw(random, 1, w.stride_h + 1), map.height);
  w.kernel_w = std::min(draw(random, 1, 4), map.width);
  w.pad_top = draw(random, 0, w.kernel_h - 1), w.pad_left = draw(random, 0, w.kernel_w - 1);
  return op;
}

class PooledConvolutionTest : public testing::TestWithParam<std::string> {
 protected:
  const kernels::KernelTable& table() { return kernels_named(GetParam()); }

  // conv.output: its own result.
  void check(const PlanarConvolution& conv, const TapSets& taps, const Choice& choice,
             const Pooling& pooling, std::mt19937& random) {
    const auto apart = PackedConvolution::pack(conv, taps, choice, table());
    SCOPED_TRACE(apart->kernel_name());
    const Shape map = conv.output.shape;
    const Shape shape = window_shape(map, map.channels, pooling.window, pooling.window.pad_top,
                                     pooling.window.pad_left);
    const PlanarLayout layout{shape, draw(random, 0, 2)};
    const Flush flush = random_flush(random);
    Planar input(conv.input, flush), result(conv.output, flush), expected(layout, flush);
    Image image = random_image(conv.input.shape, random);
    if (draw(random, 0, 1)) image.values[image.values.size() / 2] = INFINITY;
    input.set(image);
    const auto alone = make_thread_pool(1);
    apart->run(input.origin(), nullptr, result.origin(), *alone);
    kernels::Pool task = pool_task(pooling, conv.output, layout);
    task.input = result.origin();
    task.output = expected.origin();
    table().pool(task);

    PlanarConvolution together = conv;
    together.op.pooling = FusedPooling{map, pooling.mode, pooling.window, pooling.activation};
    for (const int rows : {1, draw(random, 2, 5), 100}) {
      together.pooled = PooledOutput{layout, rows};
      const auto packed = PackedConvolution::pack(together, taps, choice, table());
      EXPECT_EQ(packed->kernel_name(), apart->kernel_name() + "+pool");
      for (const int threads : {1, 3}) {
        Planar output(layout, flush);
        packed->run(input.origin(), nullptr, output.origin(), *make_thread_pool(threads));
        const Image want = expected.get(), got = output.get();
        ASSERT_TRUE(std::ranges::equal(want.values, got.values, {}, bits_of, bits_of))
            << rows << " rows at once, " << threads << " threads";
        ASSERT_TRUE(output.borders_zero());
      }
    }
  }
};

TEST_P(PooledConvolutionTest, EqualsConvolutionThenPooling) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const Case c = random_case(random);
    WeightStore store(seed);
    Convolution op{.window = c.window, .activation = c.activation};
    store.fill(op, c.filters, c.input.channels, c.pruning);
    const Shape map = window_shape(c.input, c.filters, c.window, c.pad_bottom, c.pad_right);
    const int border = required_border(c.window, c.input, map) + c.extra_border;
    PlanarConvolution conv{op, {c.input, border}, {map, border}};
    conv.input.whole_lines = conv.output.whole_lines = c.whole_lines;
    const TapSets taps(op, c.filters, c.input.channels);
    const CostModel model(c.window, conv.input, conv.output, table());
    const Pooling pooling = random_pooling(random, map);
    for (const ConvKernelTraits& traits : kConvKernels) {
      if (!model.runs(traits.kernel)) continue;
      const bool grouped = traits.kernel != ConvKernel::kIs;
      const Grouping grouping =
          grouped ? *group_filters(taps, group_size(traits.kernel)) : Grouping{};
      check(conv, taps, {traits.kernel, grouping}, pooling, random);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(PooledConvolutionTest, InAProgramOfLargeMaps) {
  for (const int stride : {1, 2}) {
    GraphBuilder b(stride);
    const int size = 184 * stride;
    const TensorId x = b.conv(b.input({3, size, size}), 8, 3, stride, 1, {}, Activation::kRelu);
    b.graph.outputs = {b.conv(b.pool(x, PoolMode::kMax, 3, 2, 1), 4, 3, 2, 1, kPattern)};
    const std::vector<Image> inputs{random_image({3, size, size}, b.random())};
    const Image expected = run_reference(b.graph, inputs)[0];
    for (const int threads : {1, 2, 5}) {
      const auto program = Program::compile(
          b.graph, {.kernels = &table(), .parallel = make_thread_pool(threads), .least_shared = 0});
      EXPECT_TRUE(program->layers()[0].kernel.ends_with("+pool"));
      EXPECT_LT(program->activation_bytes(), (b.graph.tensors[0].elements() * 3) * sizeof(float));
      for (int repeat = 0; repeat < 2; ++repeat) {
        EXPECT_LT(relative_error(expected, run(*program, b.graph, inputs)[0]), 2e-5);
      }
    }
  }
}

// The kernel that pools has no place for them.
TEST_P(PooledConvolutionTest, WhatFollowsItIsNotFolded) {
  for (const bool added : {true, false}) {
    GraphBuilder b(1);
    const TensorId x = b.input({4, 12, 12}), side = b.input({8, 6, 6});
    const TensorId pooled = b.pool(b.conv(x, 8, 3, 1, 1, kPattern), PoolMode::kAverage, 2, 2, 0);
    b.graph.outputs = {added ? b.sum(pooled, side, Activation::kNone)
                             : b.bend(b.activate(pooled, Activation::kRelu), Curve::kSilu)};
    const std::vector<Image> inputs{random_image({4, 12, 12}, b.random()),
                                    random_image({8, 6, 6}, b.random())};
    const auto program = Program::compile(pooled_at_once(b.graph), {.kernels = &table()});
    EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0], run(*program, b.graph, inputs)[0]),
              2e-5);
  }
}

TEST(PlanarConvolution, WhatIsPooledOfAnUnpaddedOneLiesAtThePitchOfWhatIsRead) {
  const Convolution conv{.input = 0,
                         .output = 1,
                         .window = {3, 3},
                         .pooling = FusedPooling{{8, 28, 28}, PoolMode::kMax, {2, 2, 2, 2}}};
  EXPECT_EQ(planar_convolution(conv, {{{4, 30, 30}, 1}, {{8, 14, 14}, 1}}).output.pitch(), 31);
}

INSTANTIATE_TEST_SUITE_P(Isa, PooledConvolutionTest, testing::ValuesIn(available_isas()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace patternlite::test
