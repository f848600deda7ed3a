// Graphs that no runtime would build are refused, by name, before anything is computed of them.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace patternlite::test
