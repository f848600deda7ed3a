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

// Of all that is hashed each alone makes another key.
TEST(LayerKey, TellsEveryFieldApart) {
  const OneConvolution c(16, 16, 3, {.kernels_kept = 0.5, .taps = 4});
  const PlanarConvolution plain{c.conv, {c.graph.tensors[0], 1}, {c.graph.tensors[1], 1}};
  std::set<std::uint64_t> keys;
  int cases = 0;
  const auto add = [&](const auto& change) {
    PlanarConvolution conv = plain;
    change(conv);
    keys.insert(layer_key("here", conv, c.taps()));
    EXPECT_EQ(keys.size(), ++cases);
  };
  add([](PlanarConvolution&) {});
  for (const auto field :
       {&Window::kernel_h, &Window::kernel_w, &Window::stride_h, &Window::stride_w,
        &Window::dilation_h, &Window::dilation_w, &Window::pad_top, &Window::pad_left}) {
    add([field](PlanarConvolution& conv) { conv.op.window.*field += 1; });
  }
  for (const auto layout : {&PlanarConvolution::input, &PlanarConvolution::output}) {
    for (const auto field : {&Shape::channels, &Shape::height, &Shape::width}) {
      add([layout, field](PlanarConvolution& conv) { (conv.*layout).shape.*field += 1; });
    }
    add([layout](PlanarConvolution& conv) { (conv.*layout).border += 1; });
    add([layout](PlanarConvolution& conv) { (conv.*layout).whole_lines = true; });
  }
  const auto pooled = [](PlanarConvolution& conv) { conv.pooled = PooledOutput{conv.output, 1}; };
  add(pooled);
  for (const auto field : {&Shape::channels, &Shape::height, &Shape::width}) {
    add([&](PlanarConvolution& conv) { pooled(conv), conv.pooled->layout.shape.*field += 1; });
  }
  add([&](PlanarConvolution& conv) { pooled(conv), conv.pooled->layout.border += 1; });
  add([&](PlanarConvolution& conv) { pooled(conv), conv.pooled->layout.whole_lines = true; });
  add([](PlanarConvolution& conv) { conv.op.curve = CurveOp{kNoTensor, kNoTensor, Curve::kSilu}; });
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
