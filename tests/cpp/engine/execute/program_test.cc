// Whole graphs, fused and planned, against the reference run of the graph as given.
#include "engine/execute/program.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "engine/counted_parts.h"
#include "engine/networks.h"
#include "engine/reference.h"
#include "engine/run_program.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace patternlite::test {
namespace {

class ProgramTest : public testing::TestWithParam<std::string> {};

TEST_P(ProgramTest, EqualsTheReferenceRunAfterRun) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    GraphBuilder b = seed % 2 ? small_mobilenet(seed) : small_resnet(seed);
    std::vector<std::unique_ptr<Program>> programs;
    for (int threads = 1; threads <= 8; ++threads) {
      programs.push_back(Program::compile(b.graph, {.kernels = &kernels_named(GetParam()),
                                                    .parallel = make_thread_pool(threads),
                                                    .least_shared = 0}));
    }
    for (int repeat = 0; repeat < 3; ++repeat) {  // memory is used again: nothing may linger
      const std::vector<Image> inputs{random_image(b.graph.tensors[b.graph.inputs[0]], b.random())};
      const std::vector<Image> expected = run_reference(b.graph, inputs);
      std::vector<Image> first;
      for (auto& program : programs) {
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

INSTANTIATE_TEST_SUITE_P(Isa, ProgramTest, testing::ValuesIn(available_isas()),
                         [](const auto& info) { return info.param; });

TEST(Program, AnImageOfInfAndNanPoisonsNoLaterRun) {
  GraphBuilder b = small_resnet(3);
  auto program = Program::compile(b.graph, {});
  std::vector<Image> good{random_image(b.graph.tensors[0], b.random())}, bad = good;
  for (std::size_t i = 0; i < bad[0].values.size(); ++i) bad[0].values[i] = i % 2 ? NAN : INFINITY;
  run(*program, b.graph, bad);
  EXPECT_LT(relative_error(run_reference(b.graph, good)[0], run(*program, b.graph, good)[0]), 2e-5);
}

// As in a dense convolution, where a zero weight hands NaN on too, it may reach its whole
// neighbourhood.
TEST(Program, NanReachesWhatDependsOnItAndNothingFarther) {
  GraphBuilder b(5);
  const TensorId image = b.input({2, 9, 9});
  b.graph.outputs = {b.conv(image, 4, 3, 1, 1, {.taps = 4}, Activation::kRelu)};
  std::vector<Image> inputs{random_image({2, 9, 9}, b.random())};
  inputs[0].at(0, 4, 4) = NAN;
  const Image expected = run_reference(b.graph, inputs)[0];
  const Image actual = run(*Program::compile(b.graph, {}), b.graph, inputs)[0];
  for (int c = 0; c < 4; ++c) {
    for (int y = 0; y < 9; ++y) {
      for (int x = 0; x < 9; ++x) {
        const bool near = std::abs(y - 4) <= 1 && std::abs(x - 4) <= 1;
        if (std::isnan(expected.at(c, y, x))) {
          EXPECT_TRUE(std::isnan(actual.at(c, y, x))) << c << " " << y << " " << x;
        }
        if (!near) {
          EXPECT_NEAR(actual.at(c, y, x), expected.at(c, y, x), 1e-5) << c << " " << y << " " << x;
        }
      }
    }
  }
}

// Others would take longer to wake than the layer takes.
TEST(Program, SmallLayersAreNotShared) {
  const auto parts = [](int channels, int size, double least_shared) {
    GraphBuilder b(1);
    const Shape shape{channels, size, size};
    b.graph.outputs = {b.conv(b.input(shape), channels, 3, 1, 1, {.taps = 4})};
    const auto threads = std::make_shared<CountedParts>(2);
    const auto program =
        Program::compile(b.graph, {.parallel = threads, .least_shared = least_shared});
    threads->count = 0;
    run(*program, b.graph, {random_image(shape, b.random())});
    return threads->count;
  };
  constexpr double kNever = std::numeric_limits<double>::infinity();
  EXPECT_EQ(parts(8, 8, kLeastShared), parts(8, 8, kNever));
  EXPECT_GT(parts(8, 8, 0), parts(8, 8, kNever));
  EXPECT_EQ(parts(32, 32, kLeastShared), parts(32, 32, 0));
}

// They take longer than their multiplications tell.
TEST(Program, SmallDepthwiseLayersAreSharedIfStrided) {
  const auto shared = [](int stride) {
    const auto parts = [stride](double least_shared) {
      GraphBuilder b(1);
      const Shape shape{32, 10 * stride, 10 * stride};
      b.graph.outputs = {b.depthwise(b.input(shape), 5, stride, 2, {}, Activation::kNone)};
      const auto threads = std::make_shared<CountedParts>(2);
      const auto program =
          Program::compile(b.graph, {.parallel = threads, .least_shared = least_shared});
      EXPECT_LT(program->layers()[0].kept_macs, kLeastShared);
      threads->count = 0;
      run(*program, b.graph, {random_image(shape, b.random())});
      return threads->count;
    };
    return parts(kLeastShared) > parts(std::numeric_limits<double>::infinity());
  };
  EXPECT_FALSE(shared(1));
  EXPECT_TRUE(shared(2));
}

TEST(Program, ReportsWhatEachConvolutionBecame) {
  GraphBuilder b = small_resnet(0);
  const auto program = Program::compile(b.graph, {});
  const auto& layers = program->layers();
  ASSERT_EQ(layers.size(), 8u);
  EXPECT_EQ(layers[0].reason, "dense:too-few-zeros");
  EXPECT_EQ(layers[1].reason, "sparse-kxk");
  EXPECT_EQ(layers[2].reason, "pattern");
  EXPECT_EQ(layers[6].reason, "sparse-1x1");
  for (const LayerReport& layer : layers) EXPECT_NE(layer.kernel, "stock") << layer.name;
  EXPECT_GT(program->weight_bytes(), 0u);
}

TEST(Program, ReportsDepthwiseAndFullyConnectedLayers) {
  const GraphBuilder b = small_mobilenet(0);
  const auto program = Program::compile(b.graph, {});
  const auto& layers = program->layers();
  ASSERT_EQ(layers.size(), 13u);
  EXPECT_EQ(layers[2].kind, "depthwise3x3");
  EXPECT_EQ(layers[2].reason, "pattern");
  EXPECT_EQ(layers[2].kernel, "depthwise");
  EXPECT_EQ(layers[2].dense_macs, 48.0 * 9 * 11 * 10);
  EXPECT_EQ(layers[5].kind, "depthwise3x3s2");
  EXPECT_EQ(layers[8].reason, "dense:too-few-zeros");
  EXPECT_EQ(layers[8].kernel, "depthwise");
  EXPECT_EQ(layers[11].kind, "fc");
  EXPECT_EQ(layers[11].reason, "sparse-fc");
  EXPECT_EQ(layers[11].kernel, "fc-sparse");
  EXPECT_EQ(layers[12].kernel, "fc-dense");
}

// Sound, as maps of one row: zeros above and below them would be most of what there is.
TEST_P(ProgramTest, FlatMapsHaveNoWideBorders) {
  for (const int dilation : {1, 4, 100}) {
    GraphBuilder b(dilation);
    const Window window{.kernel_w = 3, .dilation_w = dilation, .pad_left = dilation};
    const TensorId sound = b.input({8, 1, 900});
    b.graph.outputs = {b.conv(b.conv(sound, 8, window, 0, dilation, {}, Activation::kRelu), 8,
                              window, 0, dilation, kPattern)};
    const std::vector<Image> inputs{random_image({8, 1, 900}, b.random())};
    const auto program = Program::compile(b.graph, {.kernels = &kernels_named(GetParam())});
    EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0], run(*program, b.graph, inputs)[0]),
              2e-5);
    EXPECT_LT(program->activation_bytes(), 4 * 3 * 8 * 900 * sizeof(float)) << dilation;
  }
}

// Rows as far apart as the output's, whose pads the input does not have: taps of the last columns
// between rows would reach beyond its memory.
TEST_P(ProgramTest, OutputsWhosePadsMakeUpForAShrunkWidth) {
  GraphBuilder b(1);
  const Window along{.kernel_h = 1, .kernel_w = 129};
  const TensorId x = b.conv(b.input({1, 256, 1152}), 4, along, 0, 0, {.kernels_kept = 0.3});
  b.graph.outputs = {b.dilated(x, 4, 128, {.kernels_kept = 0.3, .taps = 1, .shared = 4})};
  const auto program = Program::compile(b.graph, {.kernels = &kernels_named(GetParam())});
  const std::vector<Image> inputs{random_image({1, 256, 1152}, b.random())};
  EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0], run(*program, b.graph, inputs)[0]),
            2e-5);
}

// 1x1 convolutions of a stride whose first window lies in the corner, or in a pad.
TEST_P(ProgramTest, WindowsOfOneTapBeginAnywhere) {
  for (const int stride : {2, 3}) {
    for (const int pad : {0, 2}) {
      GraphBuilder b(stride);
      const Window window{.stride_h = stride, .stride_w = stride, .pad_top = pad, .pad_left = pad};
      const TensorId x = b.input({8, 15, 14});
      b.graph.outputs = {b.conv(x, 4, window, 0, 0, {}), b.conv(x, 8, window, 0, 0, kPattern)};
      const std::vector<Image> inputs{random_image({8, 15, 14}, b.random())};
      const auto expected = run_reference(b.graph, inputs);
      const auto program = Program::compile(b.graph, {.kernels = &kernels_named(GetParam())});
      const auto actual = run(*program, b.graph, inputs);
      for (int i : {0, 1}) EXPECT_LT(relative_error(expected[i], actual[i]), 2e-5) << pad;
    }
  }
}

// Layers of one size whose borders differ: each program's own masks.
// One part's kernel writes between its rows, the other's operator does not; what lay there before
// is of another size.
TEST_P(ProgramTest, ZerosAroundAllPartsOfAMap) {
  GraphBuilder b(1);
  const TensorId large = b.conv(b.input({8, 12, 23}), 32, 3, 1, 1, kPattern);
  const TensorId x = b.pool(large, PoolMode::kMax, 2, 2, 0);
  const TensorId first = b.conv(x, 8, 3, 1, 1, kPattern), second = b.bend(x, Curve::kHardSwish);
  const TensorId whole = b.concatenate({first, second});
  b.graph.outputs = {b.conv(whole, 8, 3, 1, 1, kPattern)};
  const std::vector<Image> inputs{random_image({8, 12, 23}, b.random())};
  const auto program = Program::compile(b.graph, {.kernels = &kernels_named(GetParam())});
  EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0], run(*program, b.graph, inputs)[0]),
            2e-5);
}

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
