// Concatenations, resizes and softmax: what random_graphs_test.cc does not show of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "engine/execute/steps.h"
#include "engine/networks.h"
#include "engine/plan/memory_plan.h"
#include "engine/run_program.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace patternlite::test {
namespace {

class RearrangingTest : public testing::TestWithParam<std::string> {};

TEST_P(RearrangingTest, SoftmaxOfAnyRange) {
  for (const float scale : {0.1f, 1.0f, 300.0f}) {
    GraphBuilder b(1);
    const TensorId image = b.input({37, 2, 3});
    b.graph.outputs = {b.softmax(image, 1.5f)};
    std::vector<Image> inputs{random_image({37, 2, 3}, b.random())};
    for (float& value : inputs[0].values) value *= scale;
    const auto program = Program::compile(b.graph, {.kernels = &kernels_named(GetParam())});
    const Image actual = run(*program, b.graph, inputs)[0];
    EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0], actual), 1e-5);
    inputs[0].at(20, 1, 1) = NAN;
    const Image poisoned = run(*program, b.graph, inputs)[0];
    for (int c = 0; c < 37; ++c) {
      EXPECT_TRUE(std::isnan(poisoned.at(c, 1, 1)));
      EXPECT_EQ(poisoned.at(c, 1, 0), actual.at(c, 1, 0));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, RearrangingTest, testing::ValuesIn(available_isas()),
                         [](const auto& info) { return info.param; });

// Nothing is copied where each part has one place.
TEST(ConcatenationTest, PartsAreWrittenWhereTheyLieInTheWhole) {
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

TEST(ConcatenationTest, MemoryIsHeldUntilTheLastPartIsRead) {
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

// Whose zeros nobody reads may lie in memory that larger maps left.
TEST(ConcatenationTest, WhatLiesBetweenTheRowsOfAPartStaysThere) {
  const std::vector<PlanarLayout> layouts{{{2, 3, 5}, 1}, {{4, 3, 5}, 1}};
  std::vector<float> part(layouts[0].elements(), NAN), whole(layouts[1].elements());
  for (int c = 0; c < 2; ++c) {
    for (int y = 0; y < 3; ++y) {
      float* row =
          part.data() + layouts[0].lead() + c * layouts[0].plane() + y * layouts[0].pitch();
      std::fill_n(row, 5, 1.0f);
    }
  }
  const TensorMemory memory{
      layouts, [&](TensorId id) { return (id == 0 ? part : whole).data() + layouts[id].lead(); }};
  make_step({Concatenation{{0, 0}, 1}, "both"}, memory, best_kernels())->run(*make_thread_pool(1));
  EXPECT_EQ(std::accumulate(whole.begin(), whole.end(), 0.0f), 4 * 3 * 5);  // and no NaN
}

TEST(ValidateTest, RefusesShapesThatDoNotFit) {
  const auto refuses = [](const std::function<void(GraphBuilder&, TensorId)>& spoil) {
    GraphBuilder b(4);
    const TensorId image = b.input({3, 8, 6});
    const TensorId up = b.resize(b.concatenate({image, image}), {0, 0, 7}, {0, 5});
    b.graph.outputs = {b.softmax(up, 1)};
    validate(b.graph);
    spoil(b, up);
    EXPECT_THROW(validate(b.graph), std::invalid_argument);
  };
  const auto resize = [](GraphBuilder& b) -> Resize& {
    return std::get<Resize>(b.graph.nodes[1].op);
  };
  refuses([](GraphBuilder& b, TensorId) { b.graph.tensors[1].channels = 5; });
  refuses([](GraphBuilder& b, TensorId) { b.graph.tensors[1].height = 7; });
  refuses(
      [](GraphBuilder& b, TensorId) { std::get<Concatenation>(b.graph.nodes[0].op).inputs = {}; });
  refuses([](GraphBuilder& b, TensorId up) { b.graph.tensors[up].height = 4; });
  refuses([](GraphBuilder& b, TensorId up) { b.graph.tensors[up].channels = 3; });
  refuses([&](GraphBuilder& b, TensorId) { resize(b).rows[0] = -1; });
  refuses([&](GraphBuilder& b, TensorId) { resize(b).columns[0] = 6; });
  refuses([](GraphBuilder& b, TensorId) { b.graph.tensors[3].width = 3; });
}

TEST(ValidateTest, RefusesBlendsOfOtherThanNeighbours) {
  const auto with = [](Blend row) {
    GraphBuilder b(4);
    b.graph.outputs = {b.resize(b.input({3, 8, 6}), {{0, 1, 0.5f}, row}, {{5, 5, 0}})};
    return b.graph;
  };
  validate(with({6, 7, 1}));
  for (const Blend& row : {Blend{7, 8, 0}, {-1, 0, 1}, {2, 4, 0.5f}, {3, 2, 0.5f}}) {
    EXPECT_THROW(validate(with(row)), std::invalid_argument) << row.first;
  }
}

}  // namespace
}  // namespace patternlite::test
