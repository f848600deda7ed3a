// What is folded into what, in graphs drawn at random, too: the reference folds nothing.
#include "engine/graph/fuse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "engine/graph/rewrite.h"
#include "engine/networks.h"
#include "engine/random_convolution.h"
#include "engine/run_program.h"
#include "engine/support/thread_pool.h"

namespace patternlite::test {
namespace {

Activation any_activation(std::mt19937& random) {
  return static_cast<Activation>(std::max(0, draw(random, -2, 4)));
}

// Convolutions, sums, activations, pads and pools one after the other, some read twice, some by
// none, any of them an output.
GraphBuilder random_layers(unsigned seed) {
  GraphBuilder b(seed);
  auto& random = b.random();
  std::vector<TensorId> maps = {b.input({4, 11, 9})};
  const auto any = [&] {
    return maps[draw(random, std::max(0, static_cast<int>(maps.size()) - 4),
                     static_cast<int>(maps.size()) - 1)];
  };
  for (int i = 0; i < 10; ++i) {
    const TensorId from = any();
    const Shape shape = b.graph.tensors[from];
    switch (draw(random, 0, 6)) {
      case 0:
        maps.push_back(b.conv(from, 4, 3, 1, 1, kPattern, any_activation(random)));
        break;
      case 1:
        maps.push_back(b.depthwise(from, 3, 1, 1, {.taps = 4}, any_activation(random)));
        break;
      case 2:
        maps.push_back(b.activate(from, any_activation(random)));
        break;
      case 3: {
        const TensorId padded = b.pad(from, draw(random, 0, 2), draw(random, 0, 2),
                                      draw(random, 0, 2), draw(random, 0, 2));
        const int kernel = draw(random, 1, 3);
        maps.push_back(draw(random, 0, 4)
                           ? b.conv(padded, 4, kernel, 1, draw(random, 0, 1), kPattern)
                           : padded);
        break;
      }
      case 4:
        if (shape.height > 2 && shape.width > 2)
          maps.push_back(b.pool(from, PoolMode::kMax, 3, 1, 1));
        break;
      default: {
        TensorId other = any();
        for (int tries = 0; tries < 5 && b.graph.tensors[other] != shape; ++tries) other = any();
        if (b.graph.tensors[other] != shape) continue;
        maps.push_back(b.sum(from, other, any_activation(random)));
      }
    }
  }
  std::ranges::shuffle(maps, random);
  b.graph.outputs.assign(maps.begin(),
                         maps.begin() + std::min<int>(draw(random, 1, 3), maps.size()));
  return b;
}

TEST(Fuse, RandomGraphs) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    GraphBuilder b = random_layers(seed);
    const auto program =
        Program::compile(b.graph, {.parallel = make_thread_pool(1 + seed % 2), .least_shared = 0});
    const std::vector<Image> inputs{random_image(b.graph.tensors[b.graph.inputs[0]], b.random())};
    const auto expected = run_reference(b.graph, inputs), actual = run(*program, b.graph, inputs);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_LT(relative_error(expected[i], actual[i]), 2e-5) << "seed " << seed;
    }
  }
}

// A sigmoid that only its own product reads is none: once the product has an activation, or another
// reads the sigmoid, it is.
TEST(Fuse, Gates) {
  const auto folds = [](bool with_activation, bool read_again, bool of_another) {
    GraphBuilder b(1);
    const TensorId x = b.input({4, 5, 6}), other = b.bend(x, Curve::kHardSwish);
    const TensorId gate = b.bend(of_another ? other : x, Curve::kSigmoid);
    const auto activation = with_activation ? Activation::kRelu : Activation::kNone;
    b.graph.outputs = {b.product(gate, x, activation)};
    if (read_again) b.graph.outputs.push_back(gate);
    const Graph fused = rewrite(b.graph);
    const std::vector<Image> inputs{random_image({4, 5, 6}, b.random())};
    for (std::size_t i = 0; i < fused.outputs.size(); ++i) {
      EXPECT_LT(relative_error(run_reference(b.graph, inputs)[i], run_reference(fused, inputs)[i]),
                1e-6);
    }
    return std::ranges::any_of(fused.nodes, [](const Node& node) {
      const auto* curve = std::get_if<CurveOp>(&node.op);
      return curve != nullptr && curve->curve == Curve::kSilu;
    });
  };
  EXPECT_TRUE(folds(false, false, false));
  EXPECT_FALSE(folds(true, false, false));
  EXPECT_FALSE(folds(false, true, false));
  EXPECT_FALSE(folds(false, false, true));
}

TEST(Fuse, ResizesOfResizes) {
  for (const bool read_again : {false, true}) {
    GraphBuilder b(1);
    const TensorId first = b.resize(b.input({2, 3, 4}), {2, 0, 0, 1}, {0, 0, 3, 1, 1});
    b.graph.outputs = {b.resize(first, {3, 1, 0, 0, 2, 2}, {4, 2, 0})};
    if (read_again) b.graph.outputs.push_back(first);
    const Graph fused = rewrite(b.graph);
    EXPECT_EQ(fused.nodes.size(), read_again ? 2u : 1u);
    const std::vector<Image> inputs{random_image({2, 3, 4}, b.random())};
    const auto expected = run_reference(b.graph, inputs), actual = run_reference(fused, inputs);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(expected[i].values, actual[i].values);
    }
  }
}

// The graph as it runs and as it was given compute the same. Returns the first.
Graph rewritten_alike(GraphBuilder& b) {
  const Graph fused = rewrite(b.graph);
  const std::vector<Image> inputs{random_image(b.graph.tensors[b.graph.inputs[0]], b.random())};
  const auto expected = run_reference(b.graph, inputs), actual = run_reference(fused, inputs);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_LT(relative_error(expected[i], actual[i]), 1e-6) << "output " << i;
  }
  return fused;
}

TEST(Fuse, ScalingsOfScalings) {
  const auto nodes_of = [](Activation between, bool read_again) {
    GraphBuilder b(1);
    const TensorId first = b.scale(b.input({2, 3, 4}), {2, -0.5f}, {0.25f, 3}, between);
    const TensorId second = b.scale(first, {-3, 4}, {1, -2}, Activation::kNone);
    b.graph.outputs = {b.activate(second, Activation::kRelu)};
    if (read_again) b.graph.outputs.push_back(first);
    return rewritten_alike(b).nodes.size();
  };
  EXPECT_EQ(nodes_of(Activation::kNone, false), 1u);
  EXPECT_EQ(nodes_of(Activation::kRelu, false), 2u);
  EXPECT_EQ(nodes_of(Activation::kNone, true), 2u);
}

// Pressures in pascals: a float holds 101325 to 1/128.
TEST(Fuse, ShiftsThatCancelMostOfAMapStayBeforeTheScale) {
  const auto normalised = [](float mean, float scale, float shift) {
    GraphBuilder b(1);
    const TensorId x = b.scale(b.input({2, 1, 1}), {1, 1}, {0, -mean}, Activation::kNone);
    b.graph.outputs = {b.scale(x, {1, scale}, {0, shift}, Activation::kNone)};
    const std::vector<Image> inputs{{{2, 1, 1}, {0, mean + 7.8125f}}};
    EXPECT_NEAR(run(*Program::compile(b.graph, {}), b.graph, inputs)[0].values[1],
                7.8125f * scale + shift, 1e-5 * std::abs(scale));
    return fuse(b.graph).nodes.size();
  };
  EXPECT_EQ(normalised(101325, 1 / 10.0f, 0), 2u);
  EXPECT_EQ(normalised(124, 1 / 58.0f, 0), 1u);
  EXPECT_EQ(normalised(-1, 127.5f, -123), 1u) << "what is added last is small";
  EXPECT_EQ(normalised(-1, 1, 1000), 1u) << "what is moved is small";
}

// Into the convolution before it, unless another reads its sums or they are clamped; what follows
// is done to what is bent.
TEST(Fuse, Curves) {
  const auto folds = [](Activation before, bool read_again, const auto& after) {
    GraphBuilder b(1);
    const TensorId x = b.input({6, 9, 8});
    const TensorId sums = b.conv(x, 6, 3, 1, 1, kPattern, before);
    b.graph.outputs = {after(b, b.bend(sums, Curve::kSilu), x)};
    if (read_again) b.graph.outputs.push_back(sums);
    const Graph fused = rewritten_alike(b);
    const std::vector<Image> inputs{random_image({6, 9, 8}, b.random())};
    EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0],
                             run(*Program::compile(b.graph, {}), b.graph, inputs)[0]),
              2e-5);
    return std::ranges::none_of(
        fused.nodes, [](const Node& node) { return std::holds_alternative<CurveOp>(node.op); });
  };
  const auto nothing = [](GraphBuilder&, TensorId bent, TensorId) { return bent; };
  EXPECT_TRUE(folds(Activation::kNone, false, nothing));
  EXPECT_FALSE(folds(Activation::kRelu, false, nothing));
  EXPECT_FALSE(folds(Activation::kNone, true, nothing));
  EXPECT_TRUE(folds(Activation::kNone, false, [](GraphBuilder& b, TensorId bent, TensorId x) {
    return b.sum(bent, x, Activation::kNone);
  }));
  EXPECT_TRUE(folds(Activation::kNone, false, [](GraphBuilder& b, TensorId bent, TensorId) {
    return b.activate(bent, Activation::kRelu);
  }));
  EXPECT_FALSE(folds(Activation::kNone, false, [](GraphBuilder& b, TensorId bent, TensorId) {
    return b.bend(bent, Curve::kTanh);
  }));
}

TEST(Fuse, SelectionsOfSelections) {
  GraphBuilder b(1);
  const TensorId shuffled = b.select(b.input({6, 3, 4}), {3, 0, 4, 1, 5, 2});
  b.graph.outputs = {b.select(shuffled, {0, 1, 2}), b.select(b.select(shuffled, {5, 4}), {1})};
  const Graph fused = rewritten_alike(b);
  EXPECT_EQ(fused.nodes.size(), 2u);
  for (const Node& node : fused.nodes) {
    EXPECT_EQ(std::get<ChannelSelection>(node.op).input, b.graph.inputs[0]);
  }
}

TEST(Fuse, InterleavingsOfSelections) {
  GraphBuilder b(1);
  const TensorId x = b.input({8, 3, 4}), kept = b.select(x, {3, 7});
  const std::vector<TensorId> parts = {b.select(x, {0, 4}), b.select(x, {1, 5}),
                                       b.select(b.select(x, {6, 2}), {1, 0}), kept};
  b.graph.outputs = {b.interleave(parts, 2), kept};
  const Graph fused = rewritten_alike(b);
  EXPECT_EQ(fused.nodes.size(), 2u);
  for (const Node& node : fused.nodes) {
    const auto* op = std::get_if<Interleaving>(&node.op);
    if (op != nullptr) EXPECT_EQ(op->inputs, (std::vector{x, x, x, x}));
  }
}

// Only all parts of a map, in their order, are the map.
TEST(Fuse, PartsSideBySide) {
  const auto inputs_of = [](std::vector<std::vector<int>> parts, bool from_another = false) {
    GraphBuilder b(1);
    const TensorId x = b.activate(b.input({5, 3, 4}), Activation::kRelu);
    const TensorId other = b.activate(x, Activation::kRelu6);
    std::vector<TensorId> tensors = {other};
    for (const auto& channels : parts) {
      const TensorId from = from_another && tensors.size() == 2 ? other : x;
      tensors.push_back(b.select(from, channels));
    }
    tensors.push_back(x);
    b.graph.outputs = {b.concatenate(tensors)};
    const Graph fused = rewritten_alike(b);
    return std::get<Concatenation>(fused.nodes.back().op).inputs.size();
  };
  EXPECT_EQ(inputs_of({{0, 1}, {2, 3, 4}}), 3u);
  EXPECT_EQ(inputs_of({{0}, {1, 2, 3}, {4}, {0, 1, 2, 3, 4}}), 4u);
  EXPECT_EQ(inputs_of({{2, 3, 4}, {0, 1}}), 4u);
  EXPECT_EQ(inputs_of({{0, 1}, {2, 4, 3}}), 4u);
  EXPECT_EQ(inputs_of({{0, 1}, {2, 3}}), 4u);
  EXPECT_EQ(inputs_of({{1}, {2, 3, 4}}), 4u);
  EXPECT_EQ(inputs_of({{0, 1}, {2, 3, 4}}, true), 4u);
}

TEST(Fuse, FoldsIntoDepthwiseConvolutions) {
  EXPECT_EQ(fuse(small_mobilenet(0).graph).nodes.size(), 13u);  // one for each convolution
}

TEST(Fuse, LeavesOneNodeForEachConvolutionAndPool) {
  const GraphBuilder b = small_resnet(0);
  const Graph fused = fuse(b.graph);
  EXPECT_EQ(fused.nodes.size(), 8u + 3u);  // convolutions, pools; the rest is folded in
}

TEST(Fuse, AConvolutionTakesOneAddition) {
  GraphBuilder b(1);
  const TensorId x = b.input({4, 5, 5}), other = b.bend(x, Curve::kTanh);
  const TensorId first = b.sum(b.conv(x, 4, 3, 1, 1, kPattern), x, Activation::kNone);
  b.graph.outputs = {b.sum(first, other, Activation::kRelu)};
  EXPECT_EQ(rewritten_alike(b).nodes.size(), 3u);
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

}  // namespace
}  // namespace patternlite::test
