// Graphs that no runtime would build are refused, by name, before anything is computed of them.
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>

#include "engine/execute/program.h"
#include "engine/networks.h"

namespace patternlite::test {
namespace {

TEST(Validate, RefusesWhat32BitsCannotCount) {
  GraphBuilder b(1);
  b.graph.outputs = {b.input({1, 66'000, 66'000})};
  EXPECT_THROW(validate(b.graph), std::invalid_argument);
  GraphBuilder narrow(1);  // so that borders are most of it
  const TensorId image = narrow.input({1, 1 << 28, 1});
  const TensorId planes = narrow.depthwise(image, 9, 1, 4, {});
  narrow.graph.outputs = {planes};
  EXPECT_THROW(Program::compile(narrow.graph, {}), std::invalid_argument);
}

TEST(Validate, NamesTheNodeThatDoesNotFit) {
  GraphBuilder b(1);
  const TensorId image = b.input({3, 6, 6});
  b.graph.outputs = {b.sum(image, b.conv(image, 3, 3, 1, 1, {}), Activation::kNone)};
  validate(b.graph);
  b.graph.tensors[1].height = 5;
  try {
    validate(b.graph);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("node1"), std::string::npos) << error.what();
  }
}

TEST(Validate, RefusesWindowsThat32BitsCannotCount) {
  const auto with = [](auto change) {
    GraphBuilder b(1);
    b.graph.outputs = {b.conv(b.input({3, 8, 8}), 4, 5, 1, 2, {})};
    change(std::get<Convolution>(b.graph.nodes[0].op).window);
    return b.graph;
  };
  validate(with([](Window&) {}));
  // Its last tap would wrap to where the first ones are.
  EXPECT_THROW(validate(with([](Window& w) { w.dilation_h = w.dilation_w = 1 << 30; })),
               std::invalid_argument);
  EXPECT_THROW(validate(with([](Window& w) { w.stride_w = 1 << 30; })), std::invalid_argument);
  EXPECT_THROW(validate(with([](Window& w) { w.pad_top = 1 << 30; })), std::invalid_argument);
}

TEST(Validate, RefusesPadsThat32BitsCannotCount) {
  GraphBuilder b(1);
  b.graph.outputs = {b.dilated(b.input({1, 1, 1}), 1, 1 << 22, {})};
  validate(b.graph);  // before they are put around the image
  EXPECT_THROW(Program::compile(b.graph, {}), std::invalid_argument);
}

TEST(Validate, RefusesChannelsThatAreNotThere) {
  const auto selecting = [](std::vector<int> channels) {
    GraphBuilder b(1);
    b.graph.outputs = {b.select(b.input({3, 8, 6}), std::move(channels))};
    return b.graph;
  };
  validate(selecting({2, 0}));
  EXPECT_THROW(validate(selecting({0, 3})), std::invalid_argument);
  EXPECT_THROW(validate(selecting({-1})), std::invalid_argument);
  Graph other = selecting({2, 0});
  std::get<ChannelSelection>(other.nodes[0].op).channels.push_back(1);
  EXPECT_THROW(validate(other), std::invalid_argument);
}

TEST(Validate, RefusesNumbersThatAreNotOneForEachChannel) {
  const auto scaled = [](std::vector<float> scales, std::vector<float> shifts) {
    GraphBuilder b(1);
    b.graph.outputs = {b.scale(b.input({3, 8, 6}), scales, shifts, Activation::kNone)};
    return b.graph;
  };
  const auto normed = [](std::vector<float> scales, std::vector<float> shifts) {
    GraphBuilder b(1);
    b.graph.outputs = {
        b.norm<InstanceNorm>(b.input({3, 8, 6}), std::move(scales), std::move(shifts))};
    return b.graph;
  };
  const auto bent = [](Curve curve, std::vector<float> slopes) {
    GraphBuilder b(1);
    b.graph.outputs = {b.bend(b.input({3, 8, 6}), curve, std::move(slopes))};
    return b.graph;
  };
  validate(scaled({1, 2, 3}, {1, 2, 3}));
  EXPECT_THROW(validate(scaled({1, 2}, {1, 2, 3})), std::invalid_argument);
  EXPECT_THROW(validate(scaled({1, 2, 3}, {1})), std::invalid_argument);
  validate(normed({1, 2, 3}, {1, 2, 3}));
  EXPECT_THROW(validate(normed({1, 2, 3}, {1, 2, 3, 4})), std::invalid_argument);
  validate(bent(Curve::kLeakyRelu, {0.5f}));
  validate(bent(Curve::kLeakyRelu, {0.5f, 1, 2}));
  EXPECT_THROW(validate(bent(Curve::kLeakyRelu, {})), std::invalid_argument);
  EXPECT_THROW(validate(bent(Curve::kLeakyRelu, {1, 2})), std::invalid_argument);
  EXPECT_THROW(validate(bent(Curve::kTanh, {1})), std::invalid_argument);
}

TEST(Validate, RefusesGroupsThatDoNotDivide) {
  const auto grouped = [](int filters, int channels, bool depthwise = false) {
    GraphBuilder b(1);
    b.graph.outputs = {b.grouped(b.input({12, 5, 5}), 12, 3, 3, {})};
    auto& conv = std::get<Convolution>(b.graph.nodes[0].op);
    conv.weights.group_filters = filters;
    conv.weights.group_channels = channels;
    conv.depthwise = depthwise;
    return b.graph;
  };
  validate(grouped(4, 4));
  EXPECT_THROW(validate(grouped(4, 3)), std::invalid_argument);
  EXPECT_THROW(validate(grouped(5, 4)), std::invalid_argument);
  EXPECT_THROW(validate(grouped(5, 6)), std::invalid_argument)
      << "two groups, and two filters left";
  EXPECT_THROW(validate(grouped(0, 4)), std::invalid_argument);
  EXPECT_THROW(validate(grouped(4, 4, true)), std::invalid_argument);
}

TEST(Validate, RefusesPartsThatDoNotInterleave) {
  const auto interleaved = [](Shape last, int parts, int block) {
    GraphBuilder b(1);
    std::vector<TensorId> tensors;
    for (int i = 0; i + 1 < parts; ++i) tensors.push_back(b.input({3, 8, 6}));
    tensors.push_back(b.input(last));
    b.graph.outputs = {b.interleave(std::move(tensors), block)};
    return b.graph;
  };
  validate(interleaved({3, 8, 6}, 4, 2));
  EXPECT_THROW(validate(interleaved({3, 8, 5}, 4, 2)), std::invalid_argument);
  EXPECT_THROW(validate(interleaved({2, 8, 6}, 4, 2)), std::invalid_argument);
  EXPECT_THROW(validate(interleaved({3, 8, 6}, 3, 2)), std::invalid_argument);
  EXPECT_THROW(validate(interleaved({3, 8, 6}, 4, 0)), std::invalid_argument);
  Graph other = interleaved({3, 8, 6}, 4, 2);
  std::get<Interleaving>(other.nodes[0].op).channels[2][1] = 3;
  EXPECT_THROW(validate(other), std::invalid_argument);
}

TEST(Validate, RefusesFactorsOfAnotherShape) {
  for (const auto& [factors, fit] : {std::pair{Shape{3, 8, 6}, true},
                                     {Shape{3, 1, 1}, true},
                                     {Shape{3, 1, 6}, false},
                                     {Shape{1, 1, 1}, false}}) {
    GraphBuilder b(1);
    const TensorId image = b.input({3, 8, 6});
    b.graph.outputs = {b.product(image, b.input(factors), Activation::kNone)};
    if (fit) {
      validate(b.graph);
    } else {
      EXPECT_THROW(validate(b.graph), std::invalid_argument);
    }
  }
}

TEST(Validate, RefusesDilatedPooling) {
  GraphBuilder b(1);
  b.graph.outputs = {b.pool(b.input({3, 8, 8}), PoolMode::kMax, 2, 1, 0)};
  validate(b.graph);
  std::get<Pooling>(b.graph.nodes[0].op).window.dilation_w = 2;
  EXPECT_THROW(validate(b.graph), std::invalid_argument);
}

TEST(Validate, RefusesPoolingWindowsOutsideTheImage) {
  const auto check = [](int pad_top, int pad_left, int height, int width) {
    GraphBuilder b(1);
    b.graph.outputs = {b.pool(b.input({3, 8, 8}), PoolMode::kAverage, 2, 2, 0)};
    Window& window = std::get<Pooling>(b.graph.nodes[0].op).window;
    window.pad_top = pad_top;
    window.pad_left = pad_left;
    b.graph.tensors[b.graph.outputs[0]] = {3, height, width};
    validate(b.graph);
  };
  check(0, 0, 4, 4);
  check(1, 1, 5, 5);
  EXPECT_THROW(check(2, 0, 4, 4), std::invalid_argument);
  EXPECT_THROW(check(0, 2, 4, 4), std::invalid_argument);
  EXPECT_THROW(check(0, 0, 5, 4), std::invalid_argument);
  EXPECT_THROW(check(0, 0, 4, 5), std::invalid_argument);
}

TEST(Validate, RefusesInputsAndOutputsThatAreNoTensors) {
  for (const TensorId id : {-1, 7}) {
    GraphBuilder b(1);
    b.graph.outputs = {b.conv(b.input({3, 8, 8}), 4, 3, 1, 1, {})};
    validate(b.graph);
    Graph other = b.graph;
    other.outputs = {id};
    EXPECT_THROW(validate(other), std::invalid_argument);
    b.graph.inputs.push_back(id);
    EXPECT_THROW(validate(b.graph), std::invalid_argument);
  }
}

TEST(Validate, DepthwiseConvolutionsKeepTheirChannels) {
  GraphBuilder b(1);
  b.graph.outputs = {b.depthwise(b.input({3, 6, 6}), 3, 1, 1, {})};
  validate(b.graph);
  b.graph.tensors[1].channels = 4;
  EXPECT_THROW(validate(b.graph), std::invalid_argument);
}

TEST(Validate, RefusesShapesThatDoNotFit) {
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

TEST(Validate, RefusesBlendsOfOtherThanNeighbours) {
  const auto with = [](Blend row) {
    GraphBuilder b(4);
    b.graph.outputs = {b.resize(b.input({3, 8, 6}), {{0, 1, 0.5f}, row}, {{5, 5, 0}})};
    return b.graph;
  };
  validate(with({6, 7, 1}));
  for (const Blend& row : {Blend{7, 8, 0}, {-1, 0, 1}, {2, 4, 0.5f}, {3, 2, 0.5f}}) {
    EXPECT_THROW(validate(with(row)), std::invalid_argument) << row.first;
  }
}

}  // namespace
}  // namespace patternlite::test
