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

class PadApartTest : public testing::TestWithParam<std::string> {};

TEST_P(PadApartTest, WidePadsConcernOneLayerAlone) {
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

INSTANTIATE_TEST_SUITE_P(Isa, PadApartTest, testing::ValuesIn(available_isas()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace patternlite::test
