// Operators that only larger maps share among threads, and programs beside each other.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "engine/execute/program.h"
#include "engine/networks.h"
#include "engine/run_program.h"
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

// Layers of one size whose borders differ: each program's own masks.
TEST(Program, SeveralAtOnceOfOneSize) {
  std::vector<GraphBuilder> builders;
  std::vector<std::unique_ptr<Program>> programs;
  for (const int kernel : {3, 5, 1}) {
    GraphBuilder& b = builders.emplace_back(kernel);
    b.graph.outputs = {
        b.conv(b.input({16, 14, 14}), 16, kernel, 1, kernel / 2, {.kernels_kept = 0.3, .taps = 4})};
    programs.push_back(Program::compile(b.graph, {}));
  }
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const Graph& graph = builders[i].graph;
    const std::vector<Image> inputs{random_image({16, 14, 14}, builders[i].random())};
    EXPECT_LT(relative_error(run_reference(graph, inputs)[0], run(*programs[i], graph, inputs)[0]),
              2e-5);
  }
}

TEST(Program, ADepthwiseConvolutionOverTheWholeMap) {
  GraphBuilder b(1);
  b.graph.outputs = {b.depthwise(b.input({64, 7, 7}), 7, 1, 0, {.kernels_kept = 0.5, .taps = 9})};
  const std::vector<Image> inputs{random_image({64, 7, 7}, b.random())};
  const auto program = Program::compile(b.graph, {});
  EXPECT_EQ(program->layers()[0].kind, "depthwise7x7");
  EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0], run(*program, b.graph, inputs)[0]),
            2e-5);
}

}  // namespace
}  // namespace patternlite::test
