// Where tensors lie: slots that are used again, and rows of whole cache lines.
#include "engine/plan/memory_plan.h"

#include <gtest/gtest.h>

#include "engine/execute/program.h"
#include "engine/graph/fuse.h"
#include "engine/graph/pitch.h"
#include "engine/networks.h"
#include "engine/plan/slot_allocator.h"
#include "engine/reference.h"
#include "engine/run_program.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace patternlite::test {
namespace {

TEST(MemoryPlan, TensorsAliveTogetherNeverShareASlot) {
  const GraphBuilder b = small_resnet(0);
  const Graph graph = fuse(b.graph);
  const MemoryPlan plan = plan_memory(graph);
  for (const Node& node : graph.nodes) {
    if (const auto* conv = std::get_if<Convolution>(&node.op)) {
      EXPECT_NE(plan.slot[conv->input], plan.slot[conv->output]);
      if (conv->residual != kNoTensor) {
        EXPECT_NE(plan.slot[conv->residual], plan.slot[conv->output]);
        EXPECT_NE(plan.slot[conv->residual], plan.slot[conv->input]);
      }
    }
  }
  EXPECT_LT(plan.slots.size(), graph.nodes.size());  // memory is used again
}

struct Uses {
  int slots;
  std::vector<int> cleared;  // the nodes
};

// Of tensors that live one after the other, the first before all nodes if it is an input.
Uses use(const std::vector<PlanarLayout>& layouts, const std::vector<bool>& padding,
         bool input = false) {
  SlotAllocator allocator(layouts);
  for (int id = 0; id < static_cast<int>(layouts.size()); ++id) {
    allocator.release(allocator.take({id, input && id == 0 ? kBeforeAll : id, padding[id]}));
  }
  Uses uses{static_cast<int>(allocator.sizes().size()), {}};
  for (const SlotUse& cleared : allocator.cleared()) uses.cleared.push_back(cleared.node);
  return uses;
}

const PlanarLayout kLarge{{16, 8, 8}, 1}, kSmall{{16, 4, 4}, 1}, kDeep{{32, 8, 8}, 1};

TEST(SlotAllocator, ZerosAreWrittenWhereAnotherGeometryLayBefore) {
  const Uses uses = use({kLarge, kSmall, kLarge}, {true, false, true});
  EXPECT_EQ(uses.slots, 1);
  EXPECT_EQ(uses.cleared, (std::vector{0, 2}));  // at the end of a run kSmall may lie there
}

TEST(SlotAllocator, ZerosStayAsLongAsOneGeometryLiesThere) {
  EXPECT_EQ(use({kLarge, kLarge, kLarge}, {true, false, true}).cleared, std::vector<int>{});
  EXPECT_EQ(use({kLarge, kLarge, kSmall}, {true, true, false}).cleared, std::vector{0});
}

TEST(SlotAllocator, MoreChannelsNeedMoreZeros) {
  const Uses uses = use({kLarge, kDeep, kLarge, kSmall}, {true, true, true, false});
  EXPECT_EQ(uses.cleared, (std::vector{0, 1}));
}

TEST(SlotAllocator, NobodyReadsThemNobodyWritesThem) {
  EXPECT_EQ(use({kLarge, kSmall, kLarge}, {false, false, false}).cleared, std::vector<int>{});
}

TEST(SlotAllocator, OtherGeometriesStayOutOfTheSlotsOfInputs) {
  const Uses uses = use({kLarge, kSmall, kLarge}, {true, true, true}, true);
  EXPECT_EQ(uses.slots, 2);
  EXPECT_EQ(uses.cleared, std::vector<int>{});
}

// As in a cross-stage block: no channel is copied.
TEST(MemoryPlan, PartsAreReadAndWrittenWithinTheirWholes) {
  GraphBuilder b(1);
  const TensorId x = b.conv(b.input({3, 6, 6}), 8, 1, 1, 0, {});
  const TensorId second = b.select(x, {4, 5, 6, 7}), made = b.conv(second, 4, 3, 1, 1, {});
  const TensorId last = b.select(made, {2, 3}), shuffled = b.select(x, {1, 0});
  const TensorId whole = b.concatenate({shuffled, x, made});
  b.graph.outputs = {b.conv(whole, 2, 1, 1, 0, {}), last};
  const MemoryPlan plan = plan_memory(b.graph);
  for (const TensorId id : {x, second, made, last, shuffled, whole}) {
    EXPECT_EQ(plan.slot[id], plan.slot[whole]) << id;
  }
  EXPECT_EQ(plan.channel[shuffled], 0);
  EXPECT_EQ(plan.channel[x], 2);
  EXPECT_EQ(plan.channel[second], 6);
  EXPECT_EQ(plan.channel[made], 10);
  EXPECT_EQ(plan.channel[last], 12);
}

TEST(MemoryPlan, APartKeepsItsWholeAlive) {
  GraphBuilder b(1);
  const TensorId x = b.activate(b.input({8, 6, 6}), Activation::kRelu);
  const TensorId part = b.select(x, {2, 3});
  const TensorId other = b.activate(b.activate(x, Activation::kRelu), Activation::kRelu6);
  b.graph.outputs = {b.concatenate({b.activate(part, Activation::kRelu6), other})};
  const MemoryPlan plan = plan_memory(b.graph);
  EXPECT_EQ(plan.slot[part], plan.slot[x]);
  EXPECT_NE(plan.slot[other], plan.slot[x]);
}

// Nothing is copied where each part has one place.
TEST(MemoryPlan, PartsAreWrittenWhereTheyLieInTheWhole) {
  GraphBuilder b(2);
  const TensorId image = b.input({3, 8, 8});
  const TensorId x = b.conv(image, 5, 3, 1, 1, {}), y = b.conv(x, 7, 3, 1, 1, {});
  const TensorId inner = b.concatenate({x, y});
  const TensorId z = b.conv(inner, 4, 1, 1, 0, {});
  const TensorId whole = b.concatenate({z, inner, image});
  b.graph.outputs = {b.conv(whole, 2, 1, 1, 0, {})};
  const MemoryPlan plan = plan_memory(b.graph);
  for (const TensorId part : {image, x, y, inner, z}) EXPECT_EQ(plan.slot[part], plan.slot[whole]);
  EXPECT_EQ(plan.channel, (std::vector<int>{16, 4, 9, 4, 0, 0, 0}));
  EXPECT_EQ(plan.slots.size(), 2u);
}

TEST(MemoryPlan, MemoryIsHeldUntilTheLastPartIsRead) {
  GraphBuilder b(3);
  const TensorId image = b.input({3, 8, 8});
  const TensorId x = b.conv(image, 5, 3, 1, 1, {}), y = b.conv(image, 5, 3, 1, 1, {});
  const TensorId whole = b.concatenate({x, y});
  const TensorId later = b.activate(b.conv(whole, 10, 3, 1, 1, {}), Activation::kRelu);
  b.graph.outputs = {b.conv(b.concatenate({later, x}), 2, 1, 1, 0, {})};
  const MemoryPlan plan = plan_memory(b.graph);
  EXPECT_EQ(plan.slot[x], plan.slot[whole]);
  EXPECT_NE(plan.slot[later], plan.slot[whole]);
}

TEST(MemoryPlan, RowsOfWholeLinesWhereConvolutionsOverNeighboursAreMostOfTheWork) {
  const auto lines_with = [](int pointwise_filters) {
    GraphBuilder b(1);
    const TensorId image = b.input({8, 14, 14});
    b.graph.outputs = {b.conv(image, 16, 3, 1, 1, {}),
                       b.conv(image, pointwise_filters, 1, 1, 0, {})};
    return plan_memory(b.graph).layouts[image].whole_lines;
  };
  EXPECT_TRUE(lines_with(16));
  EXPECT_FALSE(lines_with(100));
}

// A pitch of 30 from the 28 columns before the second one on, if 1x1 layers there do not weigh
// more.
TEST(MemoryPlan, UnpaddedConvolutionsFindTheirOutputsAtEqualPositions) {
  const auto same_positions = [](int pointwise_filters) {
    GraphBuilder b(1);
    const TensorId image = b.input({8, 30, 30});
    const TensorId x = b.conv(image, 16, 3, 1, 0, {.taps = 4});
    b.graph.outputs = {b.conv(x, 16, 3, 1, 0, {.taps = 4}),
                       b.conv(x, pointwise_filters, 1, 1, 0, {})};
    const auto layouts = plan_memory(b.graph).layouts;
    const auto keeps = [&](int node) {
      const auto& conv = std::get<Convolution>(b.graph.nodes[node].op);
      return keeps_positions(conv.window, layouts[conv.input], layouts[conv.output]);
    };
    return std::pair{keeps(0), keeps(1)};
  };
  EXPECT_EQ(same_positions(8), std::pair(true, true));
  EXPECT_EQ(same_positions(500), std::pair(false, true));
}

class MemoryPlanTest : public testing::TestWithParam<std::string> {};

// Sizes and layers of all kinds, so that some rows are of whole lines.
TEST_P(MemoryPlanTest, RowsOfWholeLinesEqualTheReference) {
  constexpr Pruning kHalf{.kernels_kept = 0.5, .taps = 4};
  for (const int width : {13, 14, 15, 28, 29, 30}) {
    GraphBuilder b(width);
    const TensorId image = b.input({5, width + 1, width});
    TensorId x = b.conv(image, 20, 3, 1, 1, kHalf, Activation::kRelu);
    x = b.sum(b.conv(x, 20, 3, 1, 1, kHalf), x, Activation::kRelu);
    const TensorId wide = b.conv(x, 24, 1, 1, 0, {.kernels_kept = 0.5}, Activation::kRelu6);
    x = b.conv(b.depthwise(wide, 3, 1, 1, {.taps = 4}), 20, 1, 1, 0, {.kernels_kept = 0.5});
    x = b.conv(x, 20, 3, 1, 1, {.kernels_kept = 0.5, .taps = 4, .shared = 16});
    const TensorId pooled = b.pool(b.conv(x, 17, 3, 1, 1, kHalf), PoolMode::kMax, 3, 2, 1);
    b.graph.outputs = {pooled, b.conv(x, 30, 3, 2, 1, kHalf), x};
    const bool expected_lines = width % 14 <= 2 && width != 28;
    EXPECT_EQ(plan_memory(b.graph).layouts[x].whole_lines, expected_lines) << width;
    const std::vector<Image> inputs{random_image(b.graph.tensors[image], b.random())};
    const std::vector<Image> expected = run_reference(b.graph, inputs);
    for (const int threads : {1, 2, 3}) {
      const auto program = Program::compile(b.graph, {.kernels = &kernels_named(GetParam()),
                                                      .parallel = make_thread_pool(threads),
                                                      .least_shared = 0});
      for (int repeat = 0; repeat < 2; ++repeat) {
        const std::vector<Image> actual = run(*program, b.graph, inputs);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          ASSERT_LT(relative_error(expected[i], actual[i]), 2e-5) << width << ", output " << i;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, MemoryPlanTest, testing::ValuesIn(available_isas()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace patternlite::test
