// What choices are filed under.
#include "engine/plan/layer_key.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

#include "engine/one_convolution.h"
#include "engine/support/build.h"
#include "engine/support/isa.h"

namespace patternlite::test {
namespace {

std::uint64_t key_of(const OneConvolution& c, const std::string& machine = "here", int border = 1) {
  const PlanarConvolution conv{c.conv, {c.graph.tensors[0], border}, {c.graph.tensors[1], border}};
  return layer_key(machine, conv, c.taps());
}

TEST(LayerKey, TellsApartWhatTakesAnotherTime) {
  const Pruning pruning{.kernels_kept = 0.5, .taps = 4};
  const std::uint64_t key = key_of({16, 16, 3, pruning});
  EXPECT_EQ(key_of({16, 16, 3, pruning}), key);
  EXPECT_NE(key_of({16, 16, 3, pruning, 15}), key);
  EXPECT_NE(key_of({16, 16, 3, pruning, 14, 2}), key);
  EXPECT_NE(key_of({16, 16, 3, pruning, 14, 1, 8}), key) << "other weights are zero";
  EXPECT_NE(key_of({16, 16, 3, pruning}, "there"), key);
  EXPECT_NE(key_of({16, 16, 3, pruning}, "here", 2), key);

  OneConvolution same(16, 16, 3, pruning);
  auto* weights = const_cast<float*>(same.conv.weights.data);
  for (int i = 0; i < 16 * 16 * 9; ++i) weights[i] *= 2;
  same.conv.bias = nullptr;
  same.conv.activation = Activation::kRelu6;
  EXPECT_EQ(key_of(same), key);
}

TEST(LayerKey, TellsWindowsAndPitchesApart) {
  OneConvolution c(16, 16, 3, {.kernels_kept = 0.5, .taps = 4});
  std::set<std::uint64_t> keys = {key_of(c)};
  for (const auto number : {&Window::stride_h, &Window::stride_w, &Window::dilation_h,
                            &Window::dilation_w, &Window::pad_top, &Window::pad_left}) {
    ++(c.conv.window.*number);
    keys.insert(key_of(c));
    --(c.conv.window.*number);
  }
  PlanarConvolution conv{c.conv, {c.graph.tensors[0], 1}, {c.graph.tensors[1], 1}};
  conv.input.whole_lines = true;
  keys.insert(layer_key("here", conv, c.taps()));
  EXPECT_EQ(keys.size(), 8u);
}

TEST(MachineName, TellsIsasApart) {
  std::set<std::string> names;
  for (const std::string& isa : available_isas()) names.insert(machine_name(kernels_named(isa)));
  EXPECT_EQ(names.size(), available_isas().size());
}

TEST(MachineName, TellsEnginesApart) {
  EXPECT_NE(machine_name(best_kernels()).find(engine_build()), std::string::npos);
}

}  // namespace
}  // namespace patternlite::test
