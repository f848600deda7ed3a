// Convolutions that run together, in parts: the same bits as one after the other.
#include "engine/plan/chains.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/networks.h"
#include "engine/plan/memory_plan.h"
#include "engine/random_convolution.h"
#include "engine/reference.h"
#include "engine/run_program.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace patternlite::test {
namespace {

constexpr std::size_t kAny = std::size_t(-1);
constexpr double kOften = 1e9;
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
    if (draw(random, 0, 3))
      y = b.conv(y, wide, 1, 1, 0, {.kernels_kept = kept}, Activation::kRelu6);
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
      const bool residual = stride == 1 && draw(random, 0, 1);
      const int filters = residual ? channels : draw(random, 1, 20);
      const int pad = !residual && draw(random, 0, 3) == 0;  // its zeros are in no window
      y = b.conv(y, filters, 1, 1, pad, {.kernels_kept = kept}, Activation::kNone);
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
  x = b.conv(x, draw(random, 1, 40), next, 1, pad, random_pruning(random), Activation::kRelu6);
  const int window = draw(random, 1, 3);
  x = b.pool(x, draw(random, 0, 1) ? PoolMode::kMax : PoolMode::kAverage, window,
             draw(random, window, 3), draw(random, 0, window / 2));
  b.graph.outputs = {b.conv(x, 3, 1, 1, 0, {})};
  return b;
}

// As fuse() has it of larger maps.
Graph pooled_at_once(Graph graph) {
  for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
    const auto* pool = std::get_if<Pooling>(&graph.nodes[i].op);
    if (pool == nullptr) continue;
    auto& conv = std::get<Convolution>(graph.nodes[i - 1].op);
    conv.pooling =
        FusedPooling{graph.tensors[conv.output], pool->mode, pool->window, pool->activation};
    conv.output = pool->output;
    graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return graph;
}

class ChainsTest : public testing::TestWithParam<std::string> {
 protected:
  void expect_equal_to_one_after_the_other(GraphBuilder b, unsigned seed) {
    const Graph graph = pooled_at_once(b.graph);
    const auto compile = [&](int threads, ChainLimits limits) {
      return Program::compile(graph, {.kernels = &kernels_named(GetParam()),
                                      .parallel = make_thread_pool(threads),
                                      .chains = limits});
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
}

TEST_P(ChainsTest, HeadsEqualTheSameConvolutionsOneAfterTheOther) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    expect_equal_to_one_after_the_other(random_head(seed), seed);
    if (HasFatalFailure()) return;
  }
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
                                                  .chains = {0, kAny}});
  for (int repeat = 0; repeat < 2; ++repeat) {
    const std::vector<Image> inputs{random_image({32, 32, 32}, b.random())};
    EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0], run(*program, b.graph, inputs)[0]),
              2e-5);
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

// What is found in a graph whose convolutions are packed as the cost model has it.
std::vector<Chain> chains_of(const Graph& graph, int threads, ChainLimits limits) {
  const MemoryPlan plan = plan_memory(graph);
  std::vector<Analysis> analyses;
  std::vector<ConvolutionToPlan> all;
  analyses.reserve(graph.nodes.size());
  for (const Node& node : graph.nodes) {
    const auto& conv = std::get<Convolution>(node.op);
    const PlanarConvolution planar = planar_convolution(conv, plan.layouts);
    analyses.emplace_back(conv, planar.input.shape, planar.output.shape);
    all.push_back({planar, &analyses.back()});
  }
  const auto planned = plan_convolutions(all, best_kernels(), *make_thread_pool(1), {});
  return find_chains(
      graph, plan.layouts, [&](int i) { return planned[i].packed.get(); }, threads, limits);
}

// 16 -> 96 -> 96 -> 24 -> 144 channels.
GraphBuilder block_and_more() {
  GraphBuilder b(1);
  TensorId x = b.conv(b.input({16, 64, 64}), 96, 1, 1, 0, {.kernels_kept = 0.25});
  x = b.depthwise(x, 3, 2, 1, {.taps = 4});
  x = b.conv(x, 24, 1, 1, 0, {.kernels_kept = 0.25});
  b.graph.outputs = {b.conv(x, 144, 1, 1, 0, {.kernels_kept = 0.25})};
  return b;
}

TEST(FindChains, ABlockIsOneChainCutAsFineAsTheLimitSays) {
  const GraphBuilder b = block_and_more();
  const auto whole = chains_of(b.graph, 1, {.least_bytes = 1 << 20, .most_bytes = kAny});
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(whole[0].first, 0);
  EXPECT_EQ(whole[0].last(), 2);
  ASSERT_EQ(whole[0].shares.size(), 1u);
  EXPECT_EQ(whole[0].shares[0].size(), 1u);
  // A quarter of the rows, and what the depthwise kernel sees beyond, of 96 channels of 65 columns.
  const std::size_t quarter = std::size_t{4} * 96 * (17 * 65 + 8 * 33);
  const auto parts = chains_of(b.graph, 1, {.least_bytes = 1 << 20, .most_bytes = quarter});
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].shares[0].size(), 4u);
  EXPECT_LT(parts[0].windows[0], 64 / 2 + 8);
}

TEST(FindChains, OneThreadKeepsSmallTensorsWhole) {
  const GraphBuilder b = block_and_more();
  const ChainLimits limits{.least_bytes = 2 << 20, .most_bytes = kAny};
  EXPECT_TRUE(chains_of(b.graph, 1, limits).empty());
  const auto shared = chains_of(b.graph, 2, limits);
  ASSERT_EQ(shared.size(), 1u);
  EXPECT_EQ(shared[0].shares.size(), 2u);
}

GraphBuilder head() {
  GraphBuilder b(1);
  TensorId x = b.conv(b.input({3, 64, 64}), 32, 3, 1, 1, {}, Activation::kRelu);
  x = b.conv(x, 16, 3, 1, 1, {.kernels_kept = 0.25, .taps = 4}, Activation::kRelu);
  b.graph.outputs = {b.pool(x, PoolMode::kMax, 2, 2, 0)};
  return b;
}

TEST(FindChains, LargeMapsBeforeAPooledConvolution) {
  const GraphBuilder b = head();
  const std::size_t map = std::size_t{4} * 32 * 64 * 65;
  const Graph graph = pooled_at_once(b.graph);
  EXPECT_TRUE(chains_of(graph, 2, {0, kAny, 2 * map}).empty());
  for (const int threads : {1, 2}) {
    const auto chains = chains_of(graph, threads, {0, map / 4, map, kOften});
    ASSERT_EQ(chains.size(), 1u);
    EXPECT_EQ(chains[0].last(), 1);
    ASSERT_EQ(chains[0].shares.size(), threads);
    for (const auto& share : chains[0].shares) {
      for (const Range part : share) EXPECT_EQ(part.begin % 32, 0) << "whole rows";
    }
    EXPECT_LT(chains[0].windows[0], 24);
  }
}

TEST(FindChains, NoMoreSharesThanPooledRows) {
  GraphBuilder b(1);
  TensorId x = b.conv(b.input({3, 8, 160}), 32, 3, 1, 1, {}, Activation::kRelu);
  x = b.conv(x, 16, 3, 1, 1, {.kernels_kept = 0.25, .taps = 4});
  b.graph.outputs = {b.pool(x, PoolMode::kMax, 4, 4, 0)};
  const auto chains = chains_of(pooled_at_once(b.graph), 5, {0, kAny, 0});
  ASSERT_EQ(chains.size(), 1u);
  EXPECT_EQ(chains[0].shares.size(), 2u);
}

TEST(FindChains, NotWherePartsReadMoreWeightsThanTheySave) {
  GraphBuilder b(1);
  TensorId x = b.conv(b.input({64, 16, 16}), 256, 1, 1, 0, {.kernels_kept = 0.5});
  x = b.depthwise(x, 3, 1, 1, {.taps = 4});
  b.graph.outputs = {b.conv(x, 64, 1, 1, 0, {.kernels_kept = 0.5})};
  const std::size_t half = std::size_t{4} * 256 * 8 * 17;  // of one map
  ChainLimits limits{.least_bytes = 0, .most_bytes = half};
  EXPECT_TRUE(chains_of(b.graph, 1, limits).empty());
  limits.most_read_again = kOften;
  EXPECT_EQ(chains_of(b.graph, 1, limits).size(), 1u);
  limits = {.least_bytes = 0, .most_bytes = kAny};  // in one part nothing is read again
  EXPECT_EQ(chains_of(b.graph, 1, limits).size(), 1u);
}

TEST(FindChains, WhatOthersReadStaysWhole) {
  GraphBuilder b = block_and_more();
  b.graph.outputs.push_back(std::get<Convolution>(b.graph.nodes[0].op).output);
  const auto chains = chains_of(b.graph, 2, {.least_bytes = 0, .most_bytes = kAny});
  ASSERT_EQ(chains.size(), 1u);
  EXPECT_EQ(chains[0].first, 1);
  EXPECT_EQ(chains[0].last(), 2);
}

TEST(FindChains, NotWhereTooMuchWouldBeComputedTwice) {
  GraphBuilder b(1);  // 3 of 7 rows and one beyond, and the other 4 and one
  TensorId x = b.conv(b.input({16, 7, 7}), 96, 1, 1, 0, {.kernels_kept = 0.25});
  x = b.depthwise(x, 3, 1, 1, {.taps = 4});
  b.graph.outputs = {b.conv(x, 24, 1, 1, 0, {.kernels_kept = 0.25})};
  const auto chains = chains_of(b.graph, 2, {.least_bytes = 0, .most_bytes = kAny});
  ASSERT_EQ(chains.size(), 1u);
  EXPECT_EQ(chains[0].first, 1) << "the expansion runs whole";
}

TEST(MemoryPlan, WindowsTakeLittleAndWhatAChainReadsLivesAsLongAsItRuns) {
  const GraphBuilder b = block_and_more();
  const std::size_t sixth = std::size_t{4} * 96 * (14 * 65 + 6 * 33);
  const auto chains = chains_of(b.graph, 1, {.least_bytes = 1 << 20, .most_bytes = sixth});
  ASSERT_EQ(chains.size(), 1u);
  const MemoryPlan plan = plan_memory(b.graph, chains), whole = plan_memory(b.graph);
  EXPECT_LT(plan.bytes(), 4 * whole.bytes() / 5);
  const auto output = [&](int node) {
    return std::get<Convolution>(b.graph.nodes[node].op).output;
  };
  EXPECT_EQ(plan.slot[output(0)], -1);
  EXPECT_EQ(plan.slot[output(1)], -1);
  EXPECT_NE(plan.slot[output(2)], plan.slot[b.graph.inputs[0]]);
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
  const auto program =
      Program::compile(b.graph, {.parallel = make_thread_pool(2), .chains = {0, std::size_t(-1)}});
  const auto expected = run_reference(b.graph, inputs), actual = run(*program, b.graph, inputs);
  for (int i : {0, 1}) EXPECT_LT(relative_error(expected[i], actual[i]), 2e-5);
}

}  // namespace
}  // namespace patternlite::test
