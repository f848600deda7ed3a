// Which zeros weights have, and what is said of them.
#include "engine/recognise/recognise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/one_convolution.h"
#include "engine/pack/grouping.h"
#include "engine/recognise/decision.h"
#include "engine/support/float_mode.h"
#include "engine/support/isa.h"

namespace patternlite::test {
namespace {

TEST(Recognise, CountsWhatIsThere) {
  OneConvolution c(32, 16, 3, {.kernels_kept = 0.5, .taps = 4, .shared = 4});
  const Sparsity found = recognise(c.taps());
  EXPECT_NEAR(found.density, 0.5 * 4 / 9, 0.07);
  EXPECT_NEAR(found.kernels_kept, found.density * 9 / 4, 1e-9);
  EXPECT_EQ(found.max_taps, 4);
  EXPECT_EQ(found.shared_group, 4);
  EXPECT_EQ(reason_of(found, c.conv.window), "pattern");
  EXPECT_EQ(outcome_of(found), Outcome::kSparse);
}

TEST(Recognise, FindsGroupsInAnyOrderOfFilters) {
  OneConvolution c(16, 16, 3, {.kernels_kept = 0.5, .taps = 4, .shared = 8});
  // Filters 0..7 share and 8..15 share: walked with stride 9 modulo 16 they alternate.
  Convolution shuffled = c.conv;
  std::vector<float> weights(16 * 16 * 9);
  for (int o = 0; o < 16; ++o) {
    for (int i = 0; i < 16 * 9; ++i) {
      weights[o * 144 + i] = c.conv.weights.data[(o * 9 % 16) * 144 + i];
    }
  }
  shuffled.weights.data = weights.data();
  EXPECT_EQ(recognise(TapSets(shuffled, 16, 16)).shared_group, 4);
  const TapSets taps(shuffled, 16, 16);
  EXPECT_EQ(group_filters(taps, 4)->work, group_filters(TapSets(c.conv, 16, 16), 4)->work);
  double kept = 0;
  for (int o = 0; o < 16; ++o) kept += taps.count(o);
  EXPECT_EQ(group_filters(taps, 4)->work, kept) << "a group of equal filters adds no zeros";
}

TEST(Recognise, NamesKernelsOfUpToFourTapsPatterns) {
  const auto reason = [](int kernel, int taps) {
    OneConvolution c(16, 16, kernel, {.kernels_kept = 0.5, .taps = taps});
    return reason_of(recognise(c.taps()), c.conv.window);
  };
  EXPECT_EQ(reason(3, 4), "pattern");
  EXPECT_EQ(reason(3, 5), "sparse-kxk");
  EXPECT_EQ(reason(5, 4), "sparse-kxk");
  EXPECT_EQ(reason(1, 1), "sparse-1x1");
}

TEST(Recognise, NamesNonFiniteWeights) {
  OneConvolution c(4, 4, 3, {});
  const_cast<float*>(c.conv.weights.data)[5] = NAN;
  EXPECT_EQ(reason_of(recognise(c.taps()), c.conv.window), "declined:non-finite-weights");
  EXPECT_EQ(outcome_of(recognise(c.taps())), Outcome::kDeclined);
  EXPECT_FALSE(judge(c.graph, best_kernels()).worthwhile);
}

TEST(Recognise, CountsTheWeightsOfFullyConnectedLayers) {
  OneConvolution c(32, 16, 5, {.kernels_kept = 0.25, .taps = 25}, 5);
  c.conv.window.pad_top = c.conv.window.pad_left = 0;
  const Shape input{16, 5, 5}, output{32, 1, 1};
  const Sparsity found = Analysis(c.conv, input, output).sparsity;
  EXPECT_NEAR(found.density, 0.25, 0.08);
  EXPECT_EQ(found.nonzero, recognise(c.taps()).nonzero);
  EXPECT_EQ(reason_of(found, c.conv.window), "sparse-fc");
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    const_cast<float*>(c.conv.weights.data)[77] = bad;
    EXPECT_FALSE(Analysis(c.conv, input, output).sparsity.finite);
  }
}

TEST(Recognise, CountsDenormalsWhateverTheThreadTakesThemFor) {
  OneConvolution c(32, 16, 5, {.kernels_kept = 0.25, .taps = 25}, 5);
  c.conv.window.pad_top = c.conv.window.pad_left = 0;
  auto* weights = const_cast<float*>(c.conv.weights.data);
  for (int i = 0; i < 100; ++i) weights[i] = 1e-40f;
  const Shape input{16, 5, 5}, output{32, 1, 1};
  const int nonzero = Analysis(c.conv, input, output).sparsity.nonzero;
  const ScopedFloatMode mode(Denormals::kZero);
  EXPECT_EQ(Analysis(c.conv, input, output).sparsity.nonzero, nonzero);
}

TEST(Recognise, SeesKernelsWiderThanAMachineWord) {
  OneConvolution c(8, 4, 9, {.kernels_kept = 0.6, .taps = 70}, 20);
  const Sparsity found = recognise(c.taps());
  EXPECT_EQ(found.max_taps, 70);
  EXPECT_NEAR(found.density, found.kernels_kept * 70 / 81, 1e-9);
  EXPECT_NEAR(found.record_density, found.kernels_kept * 72 / 81, 1e-9);
}

}  // namespace
}  // namespace patternlite::test
