// The engine's small parts: recognition, grouping, layouts, judging, ISA choice.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/graph/planar.h"
#include "engine/networks.h"
#include "engine/one_convolution.h"
#include "engine/pack/grouping.h"
#include "engine/pack/run_stream.h"
#include "engine/recognise/decision.h"
#include "engine/recognise/recognise.h"
#include "engine/support/isa.h"
#include "engine/support/split.h"
#include "engine/weight_store.h"

namespace patternlite::test {
namespace {

TEST(Recognise, CountsWhatIsThere) {
  OneConvolution c(32, 16, 3, {.kernels_kept = 0.5, .taps = 4, .shared = 4});
  const Sparsity found = recognise(c.taps());
  EXPECT_NEAR(found.density, 0.5 * 4 / 9, 0.07);
  EXPECT_NEAR(found.kernels_kept, found.density * 9 / 4, 1e-9);
  EXPECT_EQ(found.max_taps, 4);
  EXPECT_EQ(found.shared_group, 4);
  EXPECT_EQ(reason_of(found, c.conv.window), "pattern");
  EXPECT_EQ(outcome_of(found), Outcome::kSparse);
}

TEST(Recognise, FindsGroupsInAnyOrderOfFilters) {
  OneConvolution c(16, 16, 3, {.kernels_kept = 0.5, .taps = 4, .shared = 8});
  // Filters 0..7 share and 8..15 share: walked with stride 9 modulo 16 they alternate.
  Convolution shuffled = c.conv;
  std::vector<float> weights(16 * 16 * 9);
  for (int o = 0; o < 16; ++o) {
    for (int i = 0; i < 16 * 9; ++i) {
      weights[o * 144 + i] = c.conv.weights.data[(o * 9 % 16) * 144 + i];
    }
  }
  shuffled.weights.data = weights.data();
  EXPECT_EQ(recognise(TapSets(shuffled, 16, 16)).shared_group, 4);
  const TapSets taps(shuffled, 16, 16);
  EXPECT_EQ(group_filters(taps, 4)->work, group_filters(TapSets(c.conv, 16, 16), 4)->work);
  double kept = 0;
  for (int o = 0; o < 16; ++o) kept += taps.count(o);
  EXPECT_EQ(group_filters(taps, 4)->work, kept) << "a group of equal filters adds no zeros";
}

TEST(Recognise, NamesNonFiniteWeights) {
  OneConvolution c(4, 4, 3, {});
  const_cast<float*>(c.conv.weights.data)[5] = NAN;
  EXPECT_EQ(reason_of(recognise(c.taps()), c.conv.window), "declined:non-finite-weights");
  EXPECT_EQ(outcome_of(recognise(c.taps())), Outcome::kDeclined);
  EXPECT_FALSE(judge(c.graph, best_kernels()).worthwhile);
}

TEST(Recognise, CountsTheWeightsOfFullyConnectedLayers) {
  OneConvolution c(32, 16, 5, {.kernels_kept = 0.25, .taps = 25}, 5);
  c.conv.window.pad_top = c.conv.window.pad_left = 0;
  const Shape input{16, 5, 5}, output{32, 1, 1};
  const Sparsity found = Analysis(c.conv, input, output).sparsity;
  EXPECT_NEAR(found.density, 0.25, 0.08);
  EXPECT_EQ(found.nonzero, recognise(c.taps()).nonzero);
  EXPECT_EQ(reason_of(found, c.conv.window), "sparse-fc");
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    const_cast<float*>(c.conv.weights.data)[77] = bad;
    EXPECT_FALSE(Analysis(c.conv, input, output).sparsity.finite);
  }
}

#if defined(__SSE2__)
TEST(Recognise, CountsDenormalsWhateverTheThreadTakesThemFor) {
  OneConvolution c(32, 16, 5, {.kernels_kept = 0.25, .taps = 25}, 5);
  c.conv.window.pad_top = c.conv.window.pad_left = 0;
  auto* weights = const_cast<float*>(c.conv.weights.data);
  for (int i = 0; i < 100; ++i) weights[i] = 1e-40f;
  const Shape input{16, 5, 5}, output{32, 1, 1};
  const int nonzero = Analysis(c.conv, input, output).sparsity.nonzero;
  const unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | 0x8040);  // denormals are zero, in and out
  const int found = Analysis(c.conv, input, output).sparsity.nonzero;
  __builtin_ia32_ldmxcsr(before);
  EXPECT_EQ(found, nonzero);
}
#endif

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

TEST(Recognise, SeesKernelsWiderThanAMachineWord) {
  OneConvolution c(8, 4, 9, {.kernels_kept = 0.6, .taps = 70}, 20);
  const Sparsity found = recognise(c.taps());
  EXPECT_EQ(found.max_taps, 70);
  EXPECT_NEAR(found.density, found.kernels_kept * 70 / 81, 1e-9);
  EXPECT_NEAR(found.record_density, found.kernels_kept * 72 / 81, 1e-9);
}

TEST(KindOf, NamesKernelAndStrides) {
  EXPECT_EQ(kind_of("conv", {.kernel_h = 3, .kernel_w = 3}), "conv3x3");
  EXPECT_EQ(kind_of("depthwise", {5, 5, 2, 2}), "depthwise5x5s2");
  EXPECT_EQ(kind_of("conv", {1, 7, 1, 2}), "conv1x7s1x2");
}

TEST(Grouping, GivesUpBeyondTheLimit) {
  OneConvolution c(32, 16, 3, {.kernels_kept = 0.5, .taps = 4});
  const double work = group_filters(c.taps(), 4)->work;
  EXPECT_FALSE(group_filters(c.taps(), 4, work - 1));
  EXPECT_TRUE(group_filters(c.taps(), 4, work));
}

TEST(Grouping, EveryFilterOnce) {
  OneConvolution c(37, 8, 3, {.kernels_kept = 0.3, .taps = 4});
  for (int size : {1, 2, 4, 16}) {
    std::vector<int> seen(37);
    const auto grouping = group_filters(c.taps(), size);
    for (const auto& group : grouping->groups) {
      EXPECT_LE(static_cast<int>(group.size()), size);
      for (int filter : group) ++seen[filter];
    }
    EXPECT_EQ(seen, std::vector<int>(37, 1));
  }
}

TEST(JoinRuns, TakesNeighboursAStepApartAndEveryTapOnce) {
  using Runs = std::vector<std::vector<int>>;
  const std::vector<int32_t> offsets{5, 1, 2, 3, 9, 4, 30};
  EXPECT_EQ(join_runs(offsets, 1, 3), (Runs{{4}, {6}, {5, 0}, {1, 2, 3}}));
  EXPECT_EQ(join_runs(offsets, 1, 1).size(), offsets.size());
  EXPECT_EQ(join_runs(offsets, 2, 3), (Runs{{4}, {6}, {2, 5}, {1, 3, 0}}));
  EXPECT_EQ(join_runs(std::vector<int32_t>{7, 7, 8}, 1, 3), (Runs{{1}, {0, 2}}));  // a tap twice
  EXPECT_TRUE(join_runs({}, 1, 3).empty());
}

TEST(PlanarLayout, PlanesKeepTheirPromises) {
  for (int height : {1, 4, 7, 14, 33}) {
    for (int width : {1, 4, 7, 16, 31}) {
      for (int border : {0, 1, 3}) {
        for (bool whole_lines : {false, true}) {
          PlanarLayout layout{{5, height, width}, border};
          layout.whole_lines = whole_lines;
          if (whole_lines) EXPECT_EQ(layout.pitch() % 16, 0);
          EXPECT_GE(layout.pitch(), width + border);
          EXPECT_EQ(layout.plane() / 16 % 2, 1u);
          EXPECT_EQ(layout.lead() % 16, 0);
          EXPECT_GE(layout.lead(), border * layout.pitch() + border);
          EXPECT_GE(layout.plane(),
                    layout.lead() + static_cast<std::size_t>(layout.padded_positions()));
        }
      }
    }
  }
}

TEST(CutRows, WhereEachThreadGetsAFew) {
  EXPECT_TRUE(cut_rows(14, 14, 2));
  EXPECT_FALSE(cut_rows(7, 7, 2)) << "small maps are cut into channels";
  EXPECT_FALSE(cut_rows(1, 1000, 2));
  EXPECT_FALSE(cut_rows(3, 1000, 2));
}

TEST(RangeOf, CoversEverythingOnce) {
  for (int count : {0, 1, 5, 64, 1000}) {
    for (int parts : {1, 2, 3, 7}) {
      for (int unit : {1, 16}) {
        int next = 0;
        for (int part = 0; part < parts; ++part) {
          const auto [first, last] = range_of(count, parts, part, unit);
          EXPECT_EQ(first, next);
          EXPECT_TRUE(first % unit == 0 || first == count);
          next = last;
        }
        EXPECT_EQ(next, count);
      }
    }
  }
}

TEST(Isa, CanBeForcedByName) {
  for (const std::string& name : available_isas()) {
    force_isa(name);
    EXPECT_EQ(best_kernels().isa, name);
  }
  force_isa("");
  EXPECT_THROW(force_isa("sse9"), std::invalid_argument);
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

}  // namespace
}  // namespace patternlite::test
