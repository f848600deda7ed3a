// Convolutions whose pads are wide for their maps.
#include "engine/graph/pad_apart.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "engine/graph/rewrite.h"
#include "engine/networks.h"
#include "engine/run_program.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace patternlite::test {
namespace {

// As in a segmentation network: one layer of a wide dilation among others of the same size.
GraphBuilder dilated_network(int dilation) {
  GraphBuilder b(dilation);
  TensorId x = b.input({4, 13, 13});
  for (int i = 0; i < 3; ++i) x = b.conv(x, 8, 3, 1, 1, kPattern, Activation::kRelu);
  const TensorId near = b.dilated(x, 8, dilation, kPattern), far = b.dilated(x, 4, dilation, {});
  b.graph.outputs = {b.conv(b.sum(near, x, Activation::kNone), 8, 1, 1, 0, {}), far};
  return b;
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

// As many zeros as it has elements, or more, would lie between its rows.
TEST(PadApart, GivesAMapOfOneColumnACopyForPadsAboveAndBelow) {
  const auto wide = [](int width, int kernel, int pad_left = 0) {
    const Shape map{8, 100, width};
    const Window window{kernel, 1 + 2 * pad_left, 1, 1, 1, 1, kernel / 2, pad_left};
    return has_wide_pads(window, map, map);
  };
  EXPECT_TRUE(wide(1, 3));
  EXPECT_TRUE(wide(1, 7));
  EXPECT_FALSE(wide(1, 1));
  EXPECT_FALSE(wide(1, 3, 1)) << "its columns need them";
  EXPECT_FALSE(wide(2, 7)) << "others of its size may need them";
  const auto dilated = [](int height) {
    const Shape map{8, height, 100};
    return has_wide_pads({3, 3, 1, 1, 5, 5, 5, 5}, map, map);
  };
  EXPECT_TRUE(dilated(8)) << "more zeros above and below than rows";
  EXPECT_FALSE(dilated(100));
  EXPECT_FALSE(has_wide_pads({.kernel_w = 7, .pad_left = 3}, {8, 1, 100}, {8, 1, 100}));
}

class PadApartTest : public testing::TestWithParam<std::string> {};

TEST_P(PadApartTest, WidePadsConcernOneLayerAlone) {
  const auto bytes = [&](int dilation) {
    GraphBuilder b = dilated_network(dilation);
    const std::vector<Image> inputs{random_image({4, 13, 13}, b.random())};
    const std::vector<Image> expected = run_reference(b.graph, inputs);
    const auto program = Program::compile(b.graph, {.kernels = &kernels_named(GetParam()),
                                                    .parallel = make_thread_pool(2),
                                                    .least_shared = 0});
    const std::vector<Image> actual = run(*program, b.graph, inputs);
    for (int i : {0, 1}) EXPECT_LT(relative_error(expected[i], actual[i]), 2e-5) << dilation;
    return program->activation_bytes();
  };
  const std::size_t least = bytes(1);
  EXPECT_LT(bytes(6), 2.5 * least);
  EXPECT_LT(bytes(12), 5 * least);
}

// Their maps lie with zeros between the rows where a square kernel reads them, too.
TEST_P(PadApartTest, SequencesEqualTheReference) {
  for (const bool square : {false, true}) {
    GraphBuilder b(1);
    TensorId x = b.input({6, 50, 1});
    for (const int kernel : {3, 5, 9}) {
      const int pad = kernel / 2;
      const TensorId y =
          b.conv(x, 12, {kernel, 1, 1, 1, 1, 1, pad, 0}, pad, 0, kPattern, Activation::kRelu);
      x = b.conv(y, 12, {3, 1, 1, 1, 1, 1, 1, 0}, 1, 0, {.taps = 2}, Activation::kNone, true);
      x = b.sum(x, square ? b.conv(y, 12, 3, 1, 1, kPattern) : y, Activation::kRelu);
    }
    b.graph.outputs = {b.conv(x, 8, {3, 1, 2, 1, 1, 1, 1, 0}, 1, 0, {})};
    const std::vector<Image> inputs{random_image({6, 50, 1}, b.random())};
    const auto program = Program::compile(b.graph, {.kernels = &kernels_named(GetParam()),
                                                    .parallel = make_thread_pool(2),
                                                    .least_shared = 0});
    EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0], run(*program, b.graph, inputs)[0]),
              2e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, PadApartTest, testing::ValuesIn(available_isas()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace patternlite::test
