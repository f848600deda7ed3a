// Which convolutions run together, in which parts, and the memory that this saves.
#include <gtest/gtest.h>

#include "engine/chain_cases.h"
#include "engine/plan/chains.h"
#include "engine/plan/memory_plan.h"
#include "engine/plan/plan_convolutions.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace patternlite::test {
namespace {

// Of a graph whose convolutions are packed as the cost model has it.
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

TEST(FindChains, NotWhereThreadsWouldHaveNothingToDo) {
  GraphBuilder b(1);  // 4 vectors of positions
  const TensorId x = b.depthwise(b.input({96, 7, 7}), 3, 1, 1, {.taps = 4});
  b.graph.outputs = {b.conv(x, 24, 1, 1, 0, {.kernels_kept = 0.25})};
  const ChainLimits limits{.least_bytes = 0, .most_bytes = kAny};
  EXPECT_EQ(chains_of(b.graph, 2, limits).size(), 1u);
  EXPECT_TRUE(chains_of(b.graph, 3, limits).empty());
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

}  // namespace
}  // namespace patternlite::test
