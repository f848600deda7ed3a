// Operators: what random_graphs_test.cc does not show of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "engine/execute/program.h"
#include "engine/execute/steps.h"
#include "engine/networks.h"
#include "engine/run_program.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace patternlite::test {
namespace {

// Large enough that threads share each operator's channels or rows.
TEST(Program, OperatorsSharedAmongThreads) {
  GraphBuilder b(1);
  const TensorId x = b.input({96, 24, 24});
  const TensorId y = b.bend(x, Curve::kHardSwish), z = b.sum(x, y, Activation::kRelu6);
  const TensorId p = b.pool(z, PoolMode::kAverage, 3, 1, 1);
  std::vector<int> cells(24);
  for (int i = 0; i < 24; ++i) cells[i] = i / 2;
  const TensorId q = b.resize(p, cells, cells);
  const TensorId scaled = b.product(z, b.bend(b.mean(x), Curve::kSigmoid), Activation::kNone);
  std::vector<int> backwards(96);
  for (int i = 0; i < 96; ++i) backwards[i] = 95 - i;
  std::vector<Blend> blends(40);
  for (int i = 0; i < 40; ++i) blends[i] = {i / 2, i / 2 + i % 2, i % 4 / 4.0f};
  const TensorId blended = b.resize(x, blends, blends);
  b.graph.outputs = {b.concatenate({q, x, q}),
                     z,
                     b.pad(y, 1, 2, 0, 1),
                     scaled,
                     b.product(scaled, x, Activation::kRelu),
                     blended,
                     b.select(x, backwards),
                     b.interleave({x, z, y, p}, 2)};
  const std::vector<Image> inputs{random_image({96, 24, 24}, b.random())};
  const auto expected = run_reference(b.graph, inputs);
  for (int threads : {1, 3}) {
    const auto program = Program::compile(b.graph, {.parallel = make_thread_pool(threads)});
    const auto actual = run(*program, b.graph, inputs);
    for (int i : {0, 1, 2, 3, 4, 5, 6, 7})
      EXPECT_LT(relative_error(expected[i], actual[i]), 2e-5) << threads << i;
  }
}

// The first part has a row or column more than the last.
TEST(Program, InterleavingsOfOddSizes) {
  for (const int block : {2, 3}) {
    GraphBuilder b(1);
    std::vector<TensorId> parts;
    std::vector<Image> inputs;
    for (int part = 0; part < block * block; ++part) {
      const Shape shape{3, 4 - (part / block == block - 1), 6 - (part % block == block - 1)};
      parts.push_back(b.input(shape));
      inputs.push_back(random_image(shape, b.random()));
    }
    b.graph.outputs = {b.interleave(parts, block)};
    const Image actual = run(*Program::compile(b.graph, {}), b.graph, inputs)[0];
    EXPECT_EQ(run_reference(b.graph, inputs)[0].values, actual.values) << block;
  }
}

class SoftmaxTest : public testing::TestWithParam<std::string> {};

TEST_P(SoftmaxTest, OfAnyRange) {
  for (const auto& [scale, beta] :
       {std::pair(0.1f, 1.5f), {1.0f, 1.5f}, {300.0f, 1.5f}, {300.0f, -0.5f}}) {
    GraphBuilder b(1);
    const TensorId image = b.input({37, 2, 3});
    b.graph.outputs = {b.softmax(image, beta)};
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

INSTANTIATE_TEST_SUITE_P(Isa, SoftmaxTest, testing::ValuesIn(available_isas()),
                         [](const auto& info) { return info.param; });

// Whose zeros nobody reads may lie in memory that larger maps left.
TEST(Concatenation, WhatLiesBetweenTheRowsOfAPartStaysThere) {
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

}  // namespace
}  // namespace patternlite::test
