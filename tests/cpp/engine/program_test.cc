// Whole graphs, fused and planned, against the reference run of the graph as given.
#include "engine/execute/program.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "engine/graph/fuse.h"
#include "engine/graph/rewrite.h"
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
      programs.push_back(Program::compile(
          b.graph, {.kernels = &kernels_named(GetParam()), .parallel = make_thread_pool(threads)}));
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

TEST(Fuse, FoldsIntoDepthwiseConvolutions) {
  EXPECT_EQ(fuse(small_mobilenet(0).graph).nodes.size(), 13u);  // one for each convolution
}

TEST(Validate, DepthwiseConvolutionsKeepTheirChannels) {
  GraphBuilder b(1);
  b.graph.outputs = {b.depthwise(b.input({3, 6, 6}), 3, 1, 1, {})};
  validate(b.graph);
  b.graph.tensors[1].channels = 4;
  EXPECT_THROW(validate(b.graph), std::invalid_argument);
}

TEST(Fuse, LeavesOneNodeForEachConvolutionAndPool) {
  const GraphBuilder b = small_resnet(0);
  const Graph fused = fuse(b.graph);
  EXPECT_EQ(fused.nodes.size(), 8u + 3u);  // convolutions, pools; the rest is folded in
}

TEST(Fuse, PaddingWiderThanTheWindowStays) {
  GraphBuilder b(1);
  const TensorId image = b.input({3, 6, 6});
  b.graph.outputs = {b.conv(b.pad(image, 4, 1), 5, 3, 1, 0, {})};
  EXPECT_EQ(fuse(b.graph).nodes.size(), 2u);
  const std::vector<Image> inputs{random_image({3, 6, 6}, b.random())};
  const Image actual = run(*Program::compile(b.graph, {}), b.graph, inputs)[0];
  EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0], actual), 2e-5);
}

TEST(Fuse, PaddingOfAWholeMapStays) {
  GraphBuilder b(5);
  const TensorId x = b.input({4, 5, 5});
  b.graph.outputs = {b.conv(b.pad(x, 1, 1), 8, 7, 1, 0, {.kernels_kept = 0.5, .taps = 20})};
  const std::vector<Image> inputs{random_image({4, 5, 5}, b.random())};
  const auto program = Program::compile(b.graph, {});
  EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0], run(*program, b.graph, inputs)[0]),
            2e-5);
}

TEST(Fuse, ATensorReadTwiceKeepsItsProducer) {
  GraphBuilder b(2);
  const TensorId image = b.input({4, 5, 5});
  const TensorId x = b.conv(image, 4, 3, 1, 1, {});
  b.graph.outputs = {b.sum(x, x, Activation::kNone), b.activate(x, Activation::kRelu)};
  const std::vector<Image> inputs{random_image({4, 5, 5}, b.random())};
  const auto expected = run_reference(b.graph, inputs);
  const auto actual = run(*Program::compile(b.graph, {}), b.graph, inputs);
  for (int i : {0, 1}) EXPECT_LT(relative_error(expected[i], actual[i]), 2e-5);
}

// As in a segmentation network: one layer of a wide dilation among others of the same size.
GraphBuilder dilated_network(int dilation) {
  GraphBuilder b(dilation);
  TensorId x = b.input({4, 13, 13});
  for (int i = 0; i < 3; ++i) x = b.conv(x, 8, 3, 1, 1, kPattern, Activation::kRelu);
  const TensorId near = b.dilated(x, 8, dilation, kPattern), far = b.dilated(x, 4, dilation, {});
  b.graph.outputs = {b.conv(b.sum(near, x, Activation::kNone), 8, 1, 1, 0, {}), far};
  return b;
}

TEST_P(ProgramTest, WidePadsConcernOneLayerAlone) {
  const auto bytes = [&](int dilation) {
    GraphBuilder b = dilated_network(dilation);
    const std::vector<Image> inputs{random_image({4, 13, 13}, b.random())};
    const std::vector<Image> expected = run_reference(b.graph, inputs);
    const auto program = Program::compile(
        b.graph, {.kernels = &kernels_named(GetParam()), .parallel = make_thread_pool(2)});
    const std::vector<Image> actual = run(*program, b.graph, inputs);
    for (int i : {0, 1}) EXPECT_LT(relative_error(expected[i], actual[i]), 2e-5) << dilation;
    return program->activation_bytes();
  };
  const std::size_t least = bytes(1);
  EXPECT_LT(bytes(6), 2.5 * least);
  EXPECT_LT(bytes(12), 5 * least);
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

TEST(PadApart, GivesWidePadsACopyThatLayersShare) {
  const GraphBuilder b = dilated_network(6);
  const Graph rewritten = rewrite(b.graph);
  validate(rewritten);
  int copies = 0;
  for (const Node& node : rewritten.nodes) {
    if (const auto* pad = std::get_if<Padding>(&node.op)) {
      ++copies;
      EXPECT_EQ(rewritten.tensors[pad->output], (Shape{8, 25, 25}));
    }
    if (const auto* conv = std::get_if<Convolution>(&node.op)) {
      EXPECT_LE(conv->window.pad_top, 1);
    }
  }
  EXPECT_EQ(copies, 1);
  for (const Node& node : rewrite(dilated_network(2).graph).nodes) {
    EXPECT_FALSE(std::holds_alternative<Padding>(node.op)) << "narrow enough for all";
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

}  // namespace
}  // namespace patternlite::test
