// Convolutions whose sums a curve bends, by each kernel: as a whole and in parts.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <set>

#include "engine/pack/packing_test.h"
#include "engine/recognise/cost_model.h"
#include "engine/support/machine.h"

namespace patternlite::test {
namespace {

class CurvedConvolutionTest : public PackingTest {
 protected:
  void draw_curve(Convolution& conv, int filters, std::mt19937& random) {
    constexpr std::array kCurves = {Curve::kLeakyRelu, Curve::kHardSwish, Curve::kSigmoid,
                                    Curve::kSilu,      Curve::kTanh,      Curve::kGelu,
                                    Curve::kTanhGelu};
    conv.curve = CurveOp{kNoTensor, kNoTensor, kCurves[draw(random, 0, kCurves.size() - 1)]};
    if (conv.curve->curve != Curve::kLeakyRelu) return;
    for (int i = 0; i < filters; ++i) conv.curve->slopes.push_back(draw(random, -9, 9) / 10.0f);
  }

  // By every kernel that runs it. Body(packed, input, output layout, expected).
  using Body =
      std::function<void(const PackedConvolution&, Planar&, const PlanarLayout&, const Image&)>;
  void for_each_kernel(const Case& c, unsigned seed, const Body& body) {
    WeightStore store(seed);
    Graph graph;
    Convolution conv{.window = c.window};
    conv.input = graph.add_tensor(c.input);
    const Shape shape = window_shape(c.input, c.filters, c.window, c.pad_bottom, c.pad_right);
    conv.output = graph.add_tensor(shape);
    store.fill(conv, c.filters, c.input.channels, c.pruning);
    draw_curve(conv, c.filters, store.random);
    graph.inputs = {conv.input};
    graph.outputs = {conv.output};
    graph.nodes = {{conv, "conv"}};
    const std::vector<Image> inputs{random_image(c.input, store.random)};
    const Image expected = run_reference(graph, inputs)[0];
    const int border = required_border(c.window, c.input, shape) + c.extra_border;
    PlanarLayout in{c.input, border}, out{shape, border};
    in.whole_lines = out.whole_lines = c.whole_lines;
    flush_ = c.flush;
    Planar input(in, flush_);
    input.set(inputs[0]);
    const TapSets taps(conv, c.filters, c.input.channels);
    for (const ConvKernelTraits& traits : kConvKernels) {
      if (!CostModel(c.window, in, out, kernels()).runs(traits.kernel)) continue;
      const auto grouping = group_filters(taps, traits.group);
      if (!grouping) continue;
      const auto packed =
          PackedConvolution::pack({conv, in, out}, taps, {traits.kernel, *grouping}, kernels());
      SCOPED_TRACE(testing::Message() << packed->kernel_name() << ", seed " << seed);
      Convolution unbent = conv;
      unbent.curve.reset();
      const auto straight =
          PackedConvolution::pack({unbent, in, out}, taps, {traits.kernel, *grouping}, kernels());
      ASSERT_EQ(packed->by_rows(), straight->by_rows());
      ASSERT_EQ(packed->by_positions(), straight->by_positions());
      ASSERT_EQ(packed->weight_bytes(), straight->weight_bytes());
      kernels_seen_.insert(traits.name);
      body(*packed, input, out, expected);
      if (HasFatalFailure()) return;
    }
  }

  Image run_whole(const PackedConvolution& packed, Planar& input, const PlanarLayout& out,
                  int threads) {
    Planar output(out, flush_);
    packed.run(input.origin(), nullptr, output.origin(), *make_thread_pool(threads));
    EXPECT_TRUE(output.borders_zero());
    return output.get();
  }

  Flush flush_ = Flush::kBack;
};

TEST_P(CurvedConvolutionTest, PartsEqualTheWhole) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random(seed);
    for_each_kernel(random_case(random), seed,
                    [&](const PackedConvolution& packed, Planar& input, const PlanarLayout& out,
                        const Image& expected) {
                      const Image whole = run_whole(packed, input, out, 1);
                      ASSERT_LT(relative_error(expected, whole), 2e-5);
                      ASSERT_TRUE(same_bits(whole, run_whole(packed, input, out, 3)));
                      Planar by_rows(out, flush_), by_positions(out, flush_);
                      if (packed.by_rows()) {
                        for (const Range rows : random_cuts(out.shape.height, 1, random)) {
                          packed.run_rows(input.origin(), by_rows.origin(), rows);
                        }
                        ASSERT_TRUE(same_bits(whole, by_rows.get())) << "rows";
                      }
                      if (packed.by_positions()) {
                        for (const Range positions : random_cuts(out.positions(), 8, random)) {
                          packed.run_positions(input.origin(), nullptr, by_positions.origin(),
                                               positions);
                        }
                        ASSERT_TRUE(same_bits(whole, by_positions.get())) << "positions";
                        ASSERT_TRUE(by_positions.borders_zero());
                      }
                    });
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(kernels_seen_.size(), kConvKernels.size());
}

TEST_P(CurvedConvolutionTest, WhatNoCacheHolds) {
  Case c{.input = {3, 90, 70}, .filters = 0, .window = {.kernel_h = 3, .kernel_w = 3}};
  c.window.pad_top = c.window.pad_left = c.pad_bottom = c.pad_right = 1;
  c.filters = static_cast<int>(2 * second_level_cache() / (90 * 70 * sizeof(float)));
  c.pruning = {.kernels_kept = 0.5, .taps = 4, .shared = 4};
  for_each_kernel(c, 1,
                  [&](const PackedConvolution& packed, Planar& input, const PlanarLayout& out,
                      const Image& expected) {
                    const Image whole = run_whole(packed, input, out, 1);
                    ASSERT_LT(relative_error(expected, whole), 2e-5);
                    ASSERT_TRUE(same_bits(whole, run_whole(packed, input, out, 3)));
                  });
}

INSTANTIATE_TEST_SUITE_P(Isa, CurvedConvolutionTest, testing::ValuesIn(available_isas()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace patternlite::test
