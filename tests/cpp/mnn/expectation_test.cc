// How long MNN is expected to take: which layers it runs by Winograd's algorithm, and how wide its
// vectors are.
#include "mnn/plan/expectation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>

#include "engine/recognise/cost_model.h"
#include "engine/support/isa.h"
#include "kernels/isa_test.h"

namespace patternlite::mnn {
namespace {

struct Layer {
  Shape input, output;
  Window window;
  bool depthwise = false;
};

// As large as its input.
Layer layer(int channels, int height, int width, int kernel_h, int kernel_w) {
  const Shape map{channels, height, width};
  return {map,
          map,
          {.kernel_h = kernel_h,
           .kernel_w = kernel_w,
           .pad_top = kernel_h / 2,
           .pad_left = kernel_w / 2}};
}

Layer dilated() {
  Layer of_two = layer(64, 14, 14, 3, 3);
  of_two.window.dilation_w = of_two.window.pad_left = 2;
  return of_two;
}

Layer strided() {
  Layer of_two = layer(64, 14, 14, 3, 3);
  of_two.window.stride_h = of_two.window.stride_w = 2;
  of_two.output.height = of_two.output.width = 7;
  return of_two;
}

Layer depthwise() {
  Layer planes = layer(64, 14, 14, 3, 3);
  planes.depthwise = true;
  return planes;
}

Layer fully_connected(int units) { return {{units, 1, 1}, {units, 1, 1}, {}}; }

class ExpectationTest : public test::IsaTest {
 protected:
  void SetUp() override { force_isa(table().isa); }
  void TearDown() override { force_isa(""); }

  static Convolution convolution(const Layer& layer) {
    return {.input = 0, .output = 1, .window = layer.window, .depthwise = layer.depthwise};
  }
  static Sparsity sparsity(const Layer& layer) {
    Sparsity tenth{.density = 0.1, .kernels_kept = 0.2, .record_density = 0.1, .max_taps = 4};
    tenth.nonzero =
        static_cast<std::size_t>(dense_macs(convolution(layer), layer.input, layer.output) /
                                 (layer.output.height * layer.output.width) / 10);
    tenth.fully_connected = layer.input.height == 1;
    return tenth;
  }
  static double gain(const Layer& layer, int pack) {
    Graph graph;
    graph.tensors = {layer.input, layer.output};
    graph.nodes = {{convolution(layer), "conv"}};
    return expected_gain(graph, sparsity(layer), pack, 1);
  }
  // What MNN takes with vectors of one float, in the time of a dense layer that spares nothing: of
  // two widths only MNN's time differs.
  static double share(const Layer& layer) {
    const double dense = stock_cost(convolution(layer), layer.input, layer.output, table(), 1);
    return (gain(layer, 4) - gain(layer, 16)) / (1. / 4 - 1. / 16) / table().lanes / dense;
  }
};

TEST_P(ExpectationTest, MnnTilesSquareKernelsOfStrideOne) {
  for (const int side : {2, 3, 4, 5, 7}) {
    EXPECT_LT(share(layer(64, 14, 14, side, side)), 0.7) << side;
  }
  EXPECT_DOUBLE_EQ(share(layer(64, 14, 14, 3, 5)), 1);
  EXPECT_DOUBLE_EQ(share(layer(64, 24, 24, 9, 9)), 1);
  EXPECT_DOUBLE_EQ(share(strided()), 1);
  EXPECT_DOUBLE_EQ(share(dilated()), 1);
  EXPECT_DOUBLE_EQ(share(depthwise()), 1);
}

TEST_P(ExpectationTest, TilesAreOfLargeMapsOrOfFewChannelsButNotOfAnImage) {
  EXPECT_LT(share(layer(512, 10, 10, 3, 3)), 0.7);
  EXPECT_DOUBLE_EQ(share(layer(512, 9, 10, 3, 3)), 1);
  EXPECT_LT(share(layer(98, 7, 7, 3, 3)), 0.7);
  EXPECT_DOUBLE_EQ(share(layer(99, 7, 7, 3, 3)), 1);
  EXPECT_LT(share(layer(8, 14, 14, 3, 3)), 0.7);
  EXPECT_DOUBLE_EQ(share(layer(3, 14, 14, 3, 3)), 1);
}

TEST_P(ExpectationTest, PointwiseLayersAreFastInMnnWithoutTiles) {
  EXPECT_LT(share(layer(64, 14, 14, 1, 1)), 0.7);
  EXPECT_DOUBLE_EQ(share(layer(64, 14, 14, 1, 3)), 1);
}

TEST_P(ExpectationTest, MnnIsSlowerThanAvx2CouldBeExceptInTiles) {
  const Layer plain = layer(64, 14, 14, 1, 3), tiled = layer(64, 14, 14, 3, 3);
  const auto of_eight = [](const Layer& layer) {
    const double dense = stock_cost(convolution(layer), layer.input, layer.output, table(), 1);
    return (gain(layer, 8) - gain(layer, 16)) / dense / share(layer) + table().lanes / 16.;
  };
  EXPECT_GT(of_eight(plain), table().lanes == 8 ? 1.5 : 0);
  EXPECT_NEAR(of_eight(tiled), table().lanes / 8., 1e-9);
  if (table().lanes != 8) EXPECT_NEAR(of_eight(plain), table().lanes / 8., 1e-9);
}

TEST_P(ExpectationTest, OursIsTakenForMoreThanItCosts) {
  const Layer plain = layer(64, 14, 14, 1, 3);
  const double theirs =
      stock_cost(convolution(plain), plain.input, plain.output, table(), 1) * table().lanes / 4;
  const double ours =
      estimated_cost(convolution(plain), sparsity(plain), plain.input, plain.output, table());
  EXPECT_LT(gain(plain, 4), theirs - ours);
}

// In units that are as much longer as vectors are wider.
TEST_P(ExpectationTest, MemorySetsThePaceOfFullyConnectedLayers) {
  for (const int units : {128, 1024}) {
    const double wide = gain(fully_connected(units), 8) / table().lanes;
    EXPECT_DOUBLE_EQ(gain(fully_connected(units), 4), gain(fully_connected(units), 16));
    force_isa("generic");
    EXPECT_NEAR(gain(fully_connected(units), 8) / best_kernels().lanes, wide, std::abs(wide) / 1e9);
    force_isa(table().isa);
  }
  // Of few weights none has to be brought.
  EXPECT_LT(gain(fully_connected(512), 8), 0);
  EXPECT_GT(gain(fully_connected(520), 8), 0);
}

INSTANTIATE_ISA_TESTS(ExpectationTest);

}  // namespace
}  // namespace patternlite::mnn
