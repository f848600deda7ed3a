// What of a graph is read otherwise than it was given.
#include "engine/graph/rewrite.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/graph/pitch.h"
#include "engine/networks.h"
#include "engine/random_convolution.h"
#include "engine/run_program.h"

namespace patternlite::test {
namespace {

std::vector<int> tags(const Graph& graph) {
  std::vector<int> all;
  for (const Node& node : graph.nodes) all.push_back(node.tag);
  return all;
}

TEST(Rewrite, CopiesStayWhatTheyAre) {
  GraphBuilder b(1);
  const TensorId copy = b.activate(b.input({3, 8, 8}), Activation::kNone);
  b.graph.outputs = {b.activate(copy, Activation::kRelu)};
  for (int i = 0; i < 2; ++i) b.graph.nodes[i].tag = 5 + i;
  const Graph fused = rewrite(b.graph);
  EXPECT_EQ(tags(fused), (std::vector{5, 6}));
  EXPECT_EQ(std::get<ActivationOp>(fused.nodes[0].op).activation, Activation::kNone);
}

TEST(Rewrite, KeepsTags) {
  GraphBuilder b(1);
  const TensorId map = b.conv(b.input({3, 8, 8}), 3, 3, 1, 9, {});  // its pads become a node
  b.graph.outputs = {b.activate(map, Activation::kRelu)};
  b.graph.nodes[0].tag = 5;
  EXPECT_EQ(tags(rewrite(b.graph)), (std::vector{5, 5}));
}

TEST(LayOutAlone, WhatIsLittleNarrowerLiesAtThePitchOfWhatIsRead) {
  const auto alone = [](const Window& window, int output) {
    return lay_out_alone(window, {4, 30, 30}, {8, output, output});
  };
  const LoneConvolution unpadded = alone({5, 5}, 26), padded = alone({5, 5, 1, 1, 1, 1, 2, 2}, 30);
  EXPECT_EQ(unpadded.input.border, 0);
  EXPECT_EQ(unpadded.output.pitch(), 30);
  EXPECT_EQ(padded.input.border, 2);
  EXPECT_EQ(padded.output.pitch(), padded.input.pitch());
  const LoneConvolution wider = alone({1, 1, 1, 1, 1, 1, 1, 1}, 32);
  EXPECT_EQ(wider.output.border, wider.input.border);
  const LoneConvolution strided = alone({3, 3, 2, 2, 1, 1, 1, 1}, 15);
  EXPECT_EQ(strided.output.border, strided.input.border);
  const LoneConvolution apart = alone({3, 3, 1, 1, 12, 12, 12, 12}, 30);
  EXPECT_EQ(apart.window.pad_top, 0);
  EXPECT_EQ(apart.input.shape, (Shape{4, 54, 54}));
  EXPECT_EQ(apart.output.pitch(), 30);
}

TEST(KeepsPositions, WhereTapsLieWithinTheMemoryOfTheInput) {
  const PlanarLayout input{{4, 300, 100}, 0};
  const auto keeps = [&](int kernel_w) {
    const PlanarLayout output = at_pitch_of(input, {4, 300, 101 - kernel_w});
    return keeps_positions({1, kernel_w}, input, output);
  };
  EXPECT_TRUE(keeps(40));
  EXPECT_FALSE(keeps(60)) << "columns behind the last plane, and more than there is slack";
}

// One image read through several windows of any shape: what is rewritten of them reads the same.
TEST(Rewrite, WindowsOverOneImage) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    WeightStore store(seed);
    auto& random = store.random;
    Graph graph;
    const Shape shape{3, draw(random, 1, 13), draw(random, 1, 13)};
    graph.inputs = {graph.add_tensor(shape)};
    while (graph.nodes.size() < 3) {
      const bool whole = draw(random, 0, 3) == 0, depthwise = draw(random, 0, 3) == 0;
      Window w{whole ? shape.height : draw(random, 1, 3),
               whole ? shape.width : draw(random, 1, 3),
               draw(random, 1, 3),
               draw(random, 1, 3),
               1,
               1};
      if (draw(random, 0, 2) == 0)
        w.dilation_h = draw(random, 1, 6), w.dilation_w = draw(random, 1, 6);
      const int reach_h = (w.kernel_h - 1) * w.dilation_h,
                reach_w = (w.kernel_w - 1) * w.dilation_w;
      w.pad_top = draw(random, 0, reach_h), w.pad_left = draw(random, 0, reach_w);
      const int below = draw(random, 0, reach_h), right = draw(random, 0, reach_w);
      if (shape.height + w.pad_top + below <= reach_h ||
          shape.width + w.pad_left + right <= reach_w)
        continue;
      Convolution conv{.input = 0, .window = w, .depthwise = depthwise};
      const int filters = depthwise ? shape.channels : 4;
      store.fill(conv, filters, depthwise ? 1 : shape.channels, {.taps = 6});
      conv.output = graph.add_tensor(window_shape(shape, filters, w, below, right));
      graph.outputs.push_back(conv.output);
      graph.nodes.push_back({conv, "conv"});
    }
    const std::vector<Image> inputs{random_image(shape, random)};
    const auto expected = run_reference(graph, inputs);
    const auto actual = run(*Program::compile(graph, {}), graph, inputs);
    for (int i : {0, 1, 2})
      ASSERT_LT(relative_error(expected[i], actual[i]), 2e-5) << "seed " << seed;
  }
}

}  // namespace
}  // namespace patternlite::test
