// Which padding is folded into the convolution behind it.
#include <gtest/gtest.h>

#include <vector>

#include "engine/graph/fuse.h"
#include "engine/networks.h"
#include "engine/run_program.h"

namespace patternlite::test {
namespace {

TEST(Fuse, PaddingWiderThanTheWindowStays) {
  const auto nodes_of = [](int top, int left, int bottom, int right, int own) {
    GraphBuilder b(1);
    const TensorId image = b.input({3, 6, 6});
    b.graph.outputs = {b.conv(b.pad(image, top, left, bottom, right), 5, 3, 1, own, {})};
    const std::vector<Image> inputs{random_image({3, 6, 6}, b.random())};
    const Image actual = run(*Program::compile(b.graph, {}), b.graph, inputs)[0];
    EXPECT_LT(relative_error(run_reference(b.graph, inputs)[0], actual), 2e-5);
    return fuse(b.graph).nodes.size();
  };
  EXPECT_EQ(nodes_of(2, 2, 2, 2, 0), 1u);
  EXPECT_EQ(nodes_of(3, 2, 2, 2, 0), 2u);
  EXPECT_EQ(nodes_of(2, 3, 2, 2, 0), 2u);
  EXPECT_EQ(nodes_of(2, 2, 3, 2, 0), 2u);
  EXPECT_EQ(nodes_of(2, 2, 2, 3, 0), 2u);
  EXPECT_EQ(nodes_of(2, 1, 0, 0, 1), 2u) << "with the convolution's own";
  EXPECT_EQ(nodes_of(1, 2, 0, 0, 1), 2u) << "with the convolution's own";
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

}  // namespace
}  // namespace patternlite::test
