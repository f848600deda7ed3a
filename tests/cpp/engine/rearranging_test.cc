// Concatenations, resizes, curves and softmax in whole graphs, against the reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/networks.h"
#include "engine/plan/memory_plan.h"
#include "engine/run_program.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace patternlite::test {
namespace {

// A graph of maps in two sizes, drawn at random: parts of concatenations are read before and after,
// go into several, twice into one, or out of the graph.
GraphBuilder random_graph(unsigned seed) {
  GraphBuilder b(seed);
  const auto draw = [&b](int low, int high) {
    return std::uniform_int_distribution(low, high)(b.random());
  };
  std::vector<TensorId> maps = {b.input({5, 9, 13}), b.input({3, 9, 13})};
  for (int i = 0; i < 14; ++i) {
    const TensorId from = maps[draw(0, static_cast<int>(maps.size()) - 1)];
    const Shape shape = b.graph.tensors[from];
    switch (draw(0, 5)) {
      case 0:
        maps.push_back(b.conv(from, draw(1, 20), 3, 1, 1, kPattern, Activation::kRelu));
        break;
      case 1:
        maps.push_back(b.conv(from, draw(1, 20), 1, 1, 0, kPattern));
        break;
      case 2:
        maps.push_back(
            draw(0, 1) ? b.activate(from, Activation::kRelu6)
                       : b.bend(from, draw(0, 1) ? Curve::kLeakyRelu : Curve::kHardSwish, 0.3f));
        break;
      case 3: {
        std::vector<int> rows, columns;
        const bool up = shape.height == 9;
        for (int y = 0; y < (up ? 17 : 9); ++y) rows.push_back(draw(0, shape.height - 1));
        for (int x = 0; x < (up ? 21 : 13); ++x) columns.push_back(draw(0, shape.width - 1));
        std::ranges::sort(rows);
        maps.push_back(b.resize(from, rows, columns));
        break;
      }
      default: {
        std::vector<TensorId> parts = {from};
        int channels = shape.channels;
        for (const int count = draw(0, 3); static_cast<int>(parts.size()) <= count;) {
          const TensorId part = maps[draw(0, static_cast<int>(maps.size()) - 1)];
          const Shape other = b.graph.tensors[part];
          if (other.height != shape.height || (channels += other.channels) > 200) break;
          parts.push_back(part);
        }
        maps.push_back(b.concatenate(parts));
      }
    }
  }
  std::ranges::shuffle(maps, b.random());
  b.graph.outputs.assign(maps.begin(), maps.begin() + draw(1, 4));
  return b;
}

class RearrangingTest : public testing::TestWithParam<std::string> {};

TEST_P(RearrangingTest, RandomGraphs) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    GraphBuilder b = random_graph(seed);
    std::vector<std::unique_ptr<Program>> programs;
    for (int threads : {1, 2, 3}) {
      programs.push_back(Program::compile(
          b.graph, {.kernels = &kernels_named(GetParam()), .parallel = make_thread_pool(threads)}));
    }
    for (int repeat = 0; repeat < 2; ++repeat) {  // memory is used again: nothing may linger
      std::vector<Image> inputs;
      for (const TensorId id : b.graph.inputs) {
        inputs.push_back(random_image(b.graph.tensors[id], b.random()));
      }
      const std::vector<Image> expected = run_reference(b.graph, inputs);
      std::vector<Image> first;
      for (const auto& program : programs) {
        const std::vector<Image> actual = run(*program, b.graph, inputs);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          ASSERT_LT(relative_error(expected[i], actual[i]), 2e-5) << "seed " << seed;
          if (!first.empty()) {
            ASSERT_EQ(first[i].values, actual[i].values) << "threads matter";
          }
        }
        first = actual;
      }
    }
  }
}

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

}  // namespace
}  // namespace patternlite::test
