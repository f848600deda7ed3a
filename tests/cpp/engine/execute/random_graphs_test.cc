// Whole graphs of all operators, drawn at random, against the reference run of the graph as given.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/execute/program.h"
#include "engine/random_graph.h"
#include "engine/recognise/conv_kernel.h"
#include "engine/run_program.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace patternlite::test {
namespace {

constexpr int kGraphs = 200;

class RandomGraphsTest : public testing::TestWithParam<std::string> {};

std::vector<Image> random_images(GraphBuilder& b) {
  std::vector<Image> images;
  for (const TensorId id : b.graph.inputs) {
    images.push_back(random_image(b.graph.tensors[id], b.random()));
  }
  return images;
}

TEST_P(RandomGraphsTest, EqualTheReferenceWithAnyNumberOfThreads) {
  std::set<std::string> seen;  // kernels
  for (unsigned seed = 0; seed < kGraphs; ++seed) {
    GraphBuilder b = RandomGraph(seed).build(20);
    std::vector<std::unique_ptr<Program>> programs;
    for (const int threads : {1, 2, 3}) {
      CompileOptions options{.kernels = &kernels_named(GetParam()),
                             .parallel = make_thread_pool(threads),
                             .least_shared = 0};
      // Of maps this small, chains would be rare, and one part long.
      if (seed % 2) {
        options.chains = {.least_bytes = 0, .most_bytes = 20000, .most_read_again = 1e9};
      }
      programs.push_back(Program::compile(b.graph, options));
    }
    for (const LayerReport& layer : programs[0]->layers()) {
      seen.insert(layer.kernel.substr(0, layer.kernel.find('+')));
    }
    std::vector<Image> poisoned = random_images(b);
    for (Image& image : poisoned) std::ranges::fill(image.values, NAN);
    for (const auto& program : programs) run(*program, b.graph, poisoned);
    for (int repeat = 0; repeat < 2; ++repeat) {  // memory is used again: nothing may linger
      const std::vector<Image> inputs = random_images(b);
      const std::vector<Image> expected = run_reference(b.graph, inputs);
      std::vector<Image> first;
      for (const auto& program : programs) {
        const std::vector<Image> actual = run(*program, b.graph, inputs);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          ASSERT_LT(relative_error(expected[i], actual[i]), 5e-5) << "seed " << seed;
          if (!first.empty()) {
            ASSERT_EQ(first[i].values, actual[i].values) << "threads matter, seed " << seed;
          }
        }
        first = actual;
      }
    }
  }
  // But for one that this instruction set may not choose on maps this small.
  EXPECT_GE(seen.size(), kConvKernels.size() + 2) << "depthwise, fc-sparse, fc-dense are others";
}

INSTANTIATE_TEST_SUITE_P(Isa, RandomGraphsTest, testing::ValuesIn(available_isas()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace patternlite::test
