// Every packing (OS, BC, IS) of random convolutions against the reference, for every ISA.
#include "engine/pack/packed_convolution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/counted_parts.h"
#include "engine/one_convolution.h"
#include "engine/pack/broadcast_convolution.h"
#include "engine/pack/input_stationary_convolution.h"
#include "engine/pack/output_stationary_convolution.h"
#include "engine/pack/packing_test.h"
#include "engine/pack/winograd_convolution.h"
#include "engine/plan/plan_convolutions.h"
#include "engine/planar.h"
#include "engine/random_convolution.h"
#include "engine/recognise/cost_model.h"
#include "engine/recognise/winograd_window.h"
#include "engine/reference.h"
#include "engine/support/isa.h"
#include "engine/support/split.h"
#include "engine/support/thread_pool.h"
#include "engine/weight_store.h"

namespace patternlite::test {
namespace {

// By the cost model's choice.
std::unique_ptr<PackedConvolution> plan(const Convolution& conv, const PlanarLayout& in,
                                        const PlanarLayout& out,
                                        const kernels::KernelTable& kernels) {
  const Analysis analysis(conv, in.shape, out.shape);
  return std::move(
      plan_convolutions({{{conv, in, out}, &analysis}}, kernels, *make_thread_pool(1), {})
          .front()
          .packed);
}

class PackedConvolutionTest : public PackingTest {
 protected:
  // Every packing that can run the case, and the one that the engine takes.
  void check_all(const Case& c, unsigned seed) {
    const Window& w = c.window;
    SCOPED_TRACE(testing::Message()
                 << "seed " << seed << ": " << c.input.channels << "x" << c.input.height << "x"
                 << c.input.width << " -> " << c.filters << ", kernel " << w.kernel_h << "x"
                 << w.kernel_w << ", stride " << w.stride_h << "x" << w.stride_w << ", dilation "
                 << w.dilation_h << "x" << w.dilation_w << ", pads " << w.pad_top << " "
                 << w.pad_left << " " << c.pad_bottom << " " << c.pad_right);
    check(c, seed, [&](auto& conv, auto& in, auto& out) {
      const TapSets taps(conv, c.filters, c.input.channels);
      return pack_broadcast(conv, taps, *group_filters(taps, 16), in, out, kernels());
    });
    check(c, seed, [&](auto& conv, auto& in, auto& out) {
      const TapSets taps(conv, c.filters, c.input.channels);
      return pack_input_stationary(conv, taps, in, out, kernels());
    });
    check(c, seed, [&](auto& conv, auto& in, auto& out) -> std::unique_ptr<PackedConvolution> {
      if (!winograd_runs(w, in.shape, out.shape)) return nullptr;
      const TapSets taps(conv, c.filters, c.input.channels);
      return pack_winograd(conv, taps, *group_filters(taps, 16), in, out, kernels());
    });
    for (int size : {1, 2, 4}) {
      check(c, seed, [&](auto& conv, auto& in, auto& out) -> std::unique_ptr<PackedConvolution> {
        if (!CostModel(w, in, out, kernels())
                 .runs(size == 1   ? ConvKernel::kOs1
                       : size == 2 ? ConvKernel::kOs2
                                   : ConvKernel::kOs4)) {
          return nullptr;
        }
        const TapSets taps(conv, c.filters, c.input.channels);
        return pack_output_stationary(conv, taps, *group_filters(taps, size), size, in, out,
                                      kernels());
      });
    }
    check(c, seed, [&](auto& conv, auto& in, auto& out) { return plan(conv, in, out, kernels()); });
  }
};

TEST_P(PackedConvolutionTest, EveryPackingEqualsTheReference) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    check_all(random_case(random), seed);
    if (HasFatalFailure()) return;
  }
  for (const char* kernel : {"os-g1", "os-g2", "os-g4", "bc-g16", "is", "winograd"}) {
    EXPECT_TRUE(kernels_seen_.contains(kernel)) << kernel << " ran no case";
  }
}

TEST_P(PackedConvolutionTest, SpecialValues) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random(seed);
    Case c = random_case(random);
    c.special_values = true;
    if (seed % 3 == 0) {
      c.groups = draw(random, 2, 6);
      c.input.channels = c.groups * draw(random, 1, 4);
      c.filters = c.groups * draw(random, 1, 7);
    }
    check_all(c, seed);
    if (HasFatalFailure()) return;
  }
}

TEST_P(PackedConvolutionTest, WhatIsVeryLargeReachesOnlyWhatReadsIt) {
  const Shape shape{3, 32, 64};
  WeightStore store(1);
  Graph graph;
  Convolution conv{.window = {.kernel_h = 3, .kernel_w = 3, .pad_top = 1, .pad_left = 1}};
  conv.input = graph.add_tensor(shape);
  conv.output = graph.add_tensor({16, 32, 64});
  store.fill(conv, 16, 3, {});
  graph.inputs = {conv.input};
  graph.outputs = {conv.output};
  graph.nodes = {{conv, "conv"}};
  const PlanarLayout in{shape, 1}, out{{16, 32, 64}, 1};
  const TapSets taps(conv, 16, 3);
  const auto packed = pack_winograd(conv, taps, *group_filters(taps, 16), in, out, kernels());
  ASSERT_EQ(packed->kernel_name(), "winograd");
  for (const float large : {3e4f, 1e6f, -1e10f, 1e38f}) {
    Image image = random_image(shape, store.random);
    image.at(1, 10, 8) = large;
    const Image expected = run_reference(graph, {image})[0];
    Planar input(in), output(out);
    input.set(image);
    packed->run(input.origin(), nullptr, output.origin(), *make_thread_pool(1));
    const Image actual = output.get();
    for (int filter = 0; filter < 16; ++filter) {
      for (int y = 0; y < 32; ++y) {
        for (int x = 0; x < 64; ++x) {
          if (std::abs(y - 10) <= 1 && std::abs(x - 8) <= 1) continue;
          ASSERT_NEAR(actual.at(filter, y, x), expected.at(filter, y, x), 1e-4) << large;
        }
      }
    }
  }
}

TEST_P(PackedConvolutionTest, DepthwiseEqualsTheReference) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Case c = random_case(random);
    c.depthwise = true;
    c.filters = c.input.channels;
    c.special_values = draw(random, 0, 3) == 0;
    check(c, seed, [&](auto& conv, auto& in, auto& out) {
      auto packed = plan(conv, in, out, kernels());
      EXPECT_EQ(packed->kernel_name(), "depthwise");
      return packed;
    });
    if (HasFatalFailure()) return;
  }
}

// 25 taps that are no 5x5 neighbours: of a dilated kernel, and of a wider one.
TEST_P(PackedConvolutionTest, DepthwiseTapsThatAreNoWindow) {
  const Window dilated{5, 5, 1, 1, 2, 2, 4, 4}, wide{5, 7, 1, 1, 1, 1, 2, 3};
  for (const Window& w : {dilated, wide}) {
    const Case c{.input = {3, 9, 20},
                 .filters = 3,
                 .window = w,
                 .pad_bottom = w.pad_top,
                 .pad_right = w.pad_left,
                 .pruning = {.taps = 25},
                 .depthwise = true};
    check(c, 1, [&](auto& conv, auto& in, auto& out) { return plan(conv, in, out, kernels()); });
  }
}

// 5x5 kernels without zeros, on maps wide enough for two rows at once.
TEST_P(PackedConvolutionTest, DenseDepthwiseWindows) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    Case c{.input = {draw(random, 1, 5), draw(random, 1, 40), draw(random, 20, 70)},
           .filters = 0,
           .window = {.kernel_h = 5, .kernel_w = 5, .pad_top = 2, .pad_left = 2},
           .pad_bottom = 2,
           .pad_right = 2};
    c.filters = c.input.channels;
    c.depthwise = true;
    c.whole_lines = draw(random, 0, 1);
    c.residual = draw(random, 0, 3) == 0;
    c.activation = random_activation(random);
    check(c, seed, [&](auto& conv, auto& in, auto& out) { return plan(conv, in, out, kernels()); });
    if (HasFatalFailure()) return;
  }
}

TEST_P(PackedConvolutionTest, FullyConnectedEqualsTheReference) {
  std::vector<std::string> kernels_seen;
  for (unsigned seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Case c = random_case(random);
    c.input = {draw(random, 1, 60), draw(random, 1, 9), draw(random, 1, 9)};
    if (draw(random, 0, 4) == 0) c.input = {draw(random, 4000, 9000), 1, 1};
    // Sums of so many products are judged by the largest of several, and unclamped.
    c.filters = draw(random, 20, 150);
    c.activation = draw(random, 0, 1) ? Activation::kNone : Activation::kRelu;
    c.window = {.kernel_h = c.input.height, .kernel_w = c.input.width};
    c.pad_bottom = c.pad_right = 0;
    c.special_values = draw(random, 0, 4) == 0;
    c.pruning = {.kernels_kept = draw(random, 1, 10) / 10.0};
    c.lasting = draw(random, 0, 1);
    check(c, seed, [&](auto& conv, auto& in, auto& out) {
      auto packed = plan(conv, in, out, kernels());
      kernels_seen.push_back(packed->kernel_name());
      if (c.lasting && packed->kernel_name() == "fc-dense") {
        EXPECT_EQ(packed->weight_bytes(), c.filters * sizeof(float)) << "weights were copied";
      }
      return packed;
    });
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(std::ranges::count(kernels_seen, "fc-dense"), 10);
  EXPECT_GT(std::ranges::count(kernels_seen, "fc-sparse"), 10);
}

// Weights in the order of MNN: channel, row, column.
TEST_P(PackedConvolutionTest, FullyConnectedWeightsInAnotherOrder) {
  const Shape shape{6, 3, 4};
  const int units = 150, depth = static_cast<int>(shape.elements());
  std::mt19937 random(1);
  for (const bool sparse : {false, true}) {
    std::vector<float> ordered(units * depth), planar(units * depth);
    for (int i = 0; i < units * depth; ++i) {
      ordered[i] = sparse && i % 5 ? 0.0f : static_cast<float>(draw(random, 1, 9));
      const int o = i / depth, y = i % depth / 24, x = i % 24 / 6, channel = i % 6;
      planar[o * depth + (channel * 3 + y) * 4 + x] = ordered[i];
    }
    const PlanarLayout in{shape, 1}, out{{units, 1, 1}, 1};
    Planar input(in);
    input.set(random_image(shape, random));
    std::vector<Image> results;
    for (const bool as_mnn : {false, true}) {
      const Convolution conv{.window = {.kernel_h = 3, .kernel_w = 4},
                             .weights = {.data = as_mnn ? planar.data() : ordered.data(),
                                         .filter_stride = depth,
                                         .channel_stride = as_mnn ? 12 : 1,
                                         .row_stride = as_mnn ? 4 : 24,
                                         .column_stride = as_mnn ? 1 : 6,
                                         .lasting = true}};
      const auto packed = plan(conv, in, out, kernels());
      EXPECT_EQ(packed->kernel_name(), sparse ? "fc-sparse" : "fc-dense");
      Planar output(out);
      packed->run(input.origin(), nullptr, output.origin(), *make_thread_pool(1));
      results.push_back(output.get());
    }
    EXPECT_EQ(results[0].values, results[1].values);
  }
}

// Its filters are three blocks, its positions a single vector.
TEST_P(PackedConvolutionTest, AnySmallMapIsSharedAmongThreads) {
  const int tile = PlanarLayout::round_up(2 * 2, kernels().lanes);
  const int filters = 3 * is_block_filters(kernels().is_accumulators, tile);
  OneConvolution c(filters, 4, 3, {.kernels_kept = 0.5, .taps = 4}, 2);
  const PlanarLayout in{c.graph.tensors[0], 1}, out{c.graph.tensors[1], 1};
  const auto packed = pack_input_stationary(c.conv, c.taps(), in, out, kernels());
  for (const int threads : {2, 3, 4}) {
    CountedParts parallel(threads);
    packed->run(Planar(in).origin(), nullptr, Planar(out).origin(), parallel);
    EXPECT_EQ(parallel.count, std::min(threads, 3)) << threads << " threads";
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, PackedConvolutionTest, testing::ValuesIn(available_isas()),
                         [](const auto& info) { return info.param; });

TEST(PackedConvolution, RefusesANarrowBorder) {
  WeightStore store(1);
  Convolution conv{.input = 0, .output = 1, .window = {.kernel_h = 3, .kernel_w = 3}};
  conv.window.pad_top = conv.window.pad_left = 1;
  store.fill(conv, 4, 4, {});
  const PlanarLayout layout{{4, 8, 8}, 0};
  EXPECT_THROW(plan(conv, layout, layout, best_kernels()), std::invalid_argument);
}

TEST(PackedConvolution, RefusesWhat32BitsCannotAddress) {
  const PlanarLayout huge{{1 << 20, 64, 64}, 0}, small{{1, 64, 64}, 0};
  EXPECT_THROW(check({Convolution{}, huge, small}), std::invalid_argument);
  EXPECT_THROW(check({Convolution{}, small, huge}), std::invalid_argument);
}

}  // namespace
}  // namespace patternlite::test
