// Which graphs are worth taking from the runtime, and what layers are called.
#include "engine/recognise/decision.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/networks.h"
#include "engine/one_convolution.h"
#include "engine/recognise/cost_model.h"
#include "engine/support/isa.h"

namespace patternlite::test {
namespace {

TEST(Judge, LeavesBatchesOfFullyConnectedLayersToTheRuntime) {
  GraphBuilder b(1);
  b.graph.outputs = {b.fully_connected(b.input({512, 1, 1}), 256, {.kernels_kept = 0.2})};
  EXPECT_TRUE(judge(b.graph, best_kernels(), 1).worthwhile);
  EXPECT_FALSE(judge(b.graph, best_kernels(), 64).worthwhile) << "it brings the weights once";
}

TEST(Judge, SeesDepthwiseAndPointwiseLayersTogether) {
  for (const bool sparse : {false, true}) {
    const Pruning pointwise{.kernels_kept = sparse ? 0.25 : 1.0, .shared = 4};
    OneConvolution wide(96, 32, 1, pointwise, 28), narrow(32, 96, 1, pointwise, 28);
    OneConvolution planes(96, 1, 3, {.taps = sparse ? 4 : 9}, 28);
    Graph graph;
    for (int channels : {32, 96, 96, 32}) graph.add_tensor({channels, 28, 28});
    planes.conv.depthwise = true;
    TensorId from = 0;
    for (OneConvolution* c : {&wide, &planes, &narrow}) {
      c->conv.input = from;
      c->conv.output = ++from;
      graph.nodes.push_back({c->conv, "conv" + std::to_string(from)});
    }
    graph.inputs = {0};
    graph.outputs = {3};
    EXPECT_EQ(judge(graph, best_kernels()).worthwhile, sparse);
  }
}

TEST(Judge, DoesNotTakeGroupsForZeros) {
  for (const bool sparse : {false, true}) {
    GraphBuilder b(1);
    const TensorId x = b.input({64, 28, 28});
    b.graph.outputs = {b.grouped(x, 64, 3, 8, {.kernels_kept = sparse ? 0.5 : 1, .taps = 9})};
    const LayerReport layer = judge(b.graph, best_kernels()).layers[0];
    EXPECT_EQ(layer.dense_macs, 64.0 * 8 * 9 * 28 * 28);
    EXPECT_NEAR(layer.kernels_kept, sparse ? 0.5 : 1, 0.1);
    EXPECT_EQ(layer.reason, sparse ? "sparse-kxk" : "dense:too-few-zeros");
    EXPECT_EQ(layer.outcome, sparse ? Outcome::kSparse : Outcome::kDense);
  }
}

TEST(Judge, TakesWhatGainsAndLeavesTheRest) {
  EXPECT_FALSE(judge(OneConvolution(64, 64, 3, {}).graph, best_kernels()).worthwhile);
  EXPECT_FALSE(judge(OneConvolution(64, 64, 3, {.taps = 8}).graph, best_kernels()).worthwhile);
  EXPECT_TRUE(
      judge(OneConvolution(64, 64, 3, {.kernels_kept = 0.28, .taps = 4}).graph, best_kernels())
          .worthwhile);
}

// Of layers that would pay.
TEST(Judge, LeavesNonFiniteWeightsThatWouldPay) {
  OneConvolution first(64, 64, 3, {.kernels_kept = 0.28, .taps = 4}),
      second(64, 64, 3, {.kernels_kept = 0.28, .taps = 4});
  Graph graph = first.graph;
  second.conv.input = 1;
  second.conv.output = graph.add_tensor(graph.tensors[1]);
  graph.nodes.push_back({second.conv, "second"});
  graph.outputs = {second.conv.output};
  ASSERT_TRUE(judge(graph, best_kernels()).worthwhile);
  auto* weights = const_cast<float*>(first.conv.weights.data);
  *std::find_if(weights, weights + 64 * 64 * 9, [](float w) { return w != 0; }) = NAN;
  EXPECT_FALSE(judge(graph, best_kernels()).finite);
  EXPECT_FALSE(judge(graph, best_kernels()).worthwhile);
}

// What is sparse enough by far, but not worth bringing here and back, or barely faster.
TEST(Judge, LeavesSparseLayersThatDoNotPay) {
  struct {
    int channels, size, kernel;
    double kept;
    bool pays;
  } const cases[] = {{4, 7, 3, 0.4, false}, {64, 7, 1, 0.3, false}, {64, 28, 3, 0.2, true}};
  for (const std::string& isa : available_isas()) {
    for (const auto& c : cases) {
      const OneConvolution one(c.channels, c.channels, c.kernel,
                               {.kernels_kept = c.kept, .taps = 4}, c.size);
      const Verdict verdict = judge(one.graph, kernels_named(isa));
      EXPECT_TRUE(verdict.sparse);
      EXPECT_EQ(verdict.worthwhile, c.pays) << isa << " " << c.channels << " " << c.size;
    }
  }
}

// What is written lies at the pitch of what is read, as a program has it.
TEST(Judge, TakesUnpaddedLayersAsPaddedOnes) {
  for (const int shared : {1, 2, 4}) {
    const auto worthwhile = [shared](int pad) {
      GraphBuilder b(1);
      b.graph.outputs = {b.conv(b.input({16, 58, 58}), 16, 3, 1, pad,
                                {.kernels_kept = 0.3, .taps = 4, .shared = shared})};
      return judge(b.graph, best_kernels()).worthwhile;
    };
    EXPECT_TRUE(worthwhile(1)) << shared;
    EXPECT_TRUE(worthwhile(0)) << shared;
  }
}

TEST(EstimatedCost, CountsTheCopyThatWidePadsTake) {
  const OneConvolution c(16, 16, 3, {.kernels_kept = 0.5, .taps = 4}, 30);
  Convolution padded = c.conv, unpadded = c.conv;
  padded.window = {3, 3, 1, 1, 12, 12, 12, 12};
  unpadded.window = {3, 3, 1, 1, 12, 12};
  const Shape map{16, 30, 30}, with_zeros{16, 54, 54};
  const Sparsity sparsity = Analysis(c.conv, map, map).sparsity;
  const auto cost = [&](const Convolution& conv, const Shape& input) {
    return estimated_cost(conv, sparsity, input, map, best_kernels());
  };
  EXPECT_DOUBLE_EQ(cost(padded, map),
                   cost(unpadded, with_zeros) + border_cost(with_zeros.elements()));
}

TEST(KindOf, NamesKernelAndStrides) {
  EXPECT_EQ(kind_of("conv", {.kernel_h = 3, .kernel_w = 3}), "conv3x3");
  EXPECT_EQ(kind_of("depthwise", {5, 5, 2, 2}), "depthwise5x5s2");
  EXPECT_EQ(kind_of("conv", {1, 7, 1, 2}), "conv1x7s1x2");
}

}  // namespace
}  // namespace patternlite::test
