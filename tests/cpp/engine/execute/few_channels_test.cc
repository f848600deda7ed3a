// Operators on maps of fewer channels than there are threads: each thread gets a share of the rows,
// and the bits are the same however many there are.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "engine/counted_parts.h"
#include "engine/execute/steps.h"
#include "engine/planar.h"
#include "engine/support/isa.h"
#include "engine/weight_store.h"

namespace patternlite::test {
namespace {

constexpr int kHeight = 131, kWidth = 211;
const std::vector<float> kConstants = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f};  // of five channels

// op: of tensors that have these shapes, the last of which it writes. most: parts that there are.
void check(const Operator& op, const std::vector<Shape>& shapes, int most = 5) {
  std::vector<PlanarLayout> layouts;
  for (const Shape& shape : shapes) layouts.push_back({shape, 1});
  std::vector<float> alone;
  for (const int threads : {1, 2, 3, 5}) {
    std::mt19937 random(1);
    std::deque<Planar> tensors;
    for (const PlanarLayout& layout : layouts) {
      tensors.emplace_back(layout).set(random_image(layout.shape, random));
    }
    const TensorMemory memory{layouts, [&](TensorId id) { return tensors[id].origin(); }};
    CountedParts parallel(threads);
    make_step({op, "op"}, memory, best_kernels())->run(parallel);
    EXPECT_EQ(parallel.count, std::min(threads, most));
    const std::vector<float> got = tensors.back().get().values;
    if (threads == 1) alone = got;
    EXPECT_EQ(got, alone) << threads << " threads";
  }
}

std::vector<int> halves(int count) {
  std::vector<int> cells(count);
  for (int i = 0; i < count; ++i) cells[i] = i / 2;
  return cells;
}

std::vector<Blend> blends(int count) {
  std::vector<Blend> cells(count);
  for (int i = 0; i < count; ++i) cells[i] = {i / 3, i / 3 + 1, i % 3 / 3.0f};
  return cells;
}

TEST(FewChannels, Resizes) {
  const Shape large{1, kHeight, kWidth}, half{1, kHeight / 2 + 1, kWidth / 2 + 1};
  check(Resize{0, 1, halves(kHeight), halves(kWidth)}, {half, large});
  check(BilinearResize{0, 1, blends(kHeight), blends(kWidth)}, {half, large});
}

TEST(FewChannels, PadsAndInterleavings) {
  const Shape small{1, kHeight, kWidth};
  check(Padding{0, 1, 2, 1, 1, 0}, {small, {1, kHeight + 3, kWidth + 1}});
  check(Interleaving{{0, 1, 2, 3}, 4, 2, {{0}, {0}, {0}, {0}}},
        {small, small, small, small, {1, 2 * kHeight, 2 * kWidth}});
}

TEST(FewChannels, Elementwise) {
  const Shape shape{1, kHeight, kWidth};
  check(Addition{0, 1, 2, Activation::kRelu}, {shape, shape, shape});
  check(Multiplication{0, 1, 2}, {shape, shape, shape});
  check(Multiplication{0, 1, 2}, {shape, {1, 1, 1}, shape});
  check(Scaling{0, 1, {0.3f}, {0.2f}}, {shape, shape});
  check(ActivationOp{0, 1, Activation::kRelu6}, {shape, shape});
  check(CurveOp{0, 1, Curve::kSilu, {}}, {shape, shape});
}

// Whose statistics are of all that stays together.
TEST(FewChannels, Norms) {
  const Shape shape{5, kHeight, kWidth}, two{2, kHeight, kWidth};
  check(InstanceNorm{0, 1, kConstants, kConstants, 1e-3f}, {shape, shape});
  check(ChannelNorm{0, 1, kConstants, kConstants, 1e-3f}, {shape, shape});
  check(InstanceNorm{0, 1, {1, 2}, {3, 4}, 1e-3f}, {two, two}, 2);
}

// Each thread gets some channels, with what is theirs.
TEST(ManyChannels, ElementwiseByConstants) {
  const Shape shape{5, kHeight, kWidth};
  check(Scaling{0, 1, kConstants, kConstants}, {shape, shape});
  check(Multiplication{0, 1, 2}, {shape, {5, 1, 1}, shape});
  check(CurveOp{0, 1, Curve::kLeakyRelu, kConstants}, {shape, shape});
}

}  // namespace
}  // namespace patternlite::test
