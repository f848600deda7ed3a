// What the delegate leaves to the runtime, and why it says it does.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "one_convolution.h"

namespace patternlite::tflite {
namespace {

constexpr TfLiteSparsity kSparsity{};

struct Defect {
  const char* reason;
  std::function<void(Model&)> make;
};

TEST(Declines, WithAReason) {
  const std::vector<Defect> defects = {
      {"declined:dtype-int8", [](Model& m) { m.interpreter.raw(m.weights).type = kTfLiteInt8; }},
      {"declined:dtype-float16",
       [](Model& m) { m.interpreter.raw(m.input).type = kTfLiteFloat16; }},
      {"declined:dtype-int8", [](Model& m) { m.interpreter.raw(m.output).type = kTfLiteInt8; }},
      {"declined:dynamic-weights",
       [](Model& m) { m.interpreter.raw(m.weights).allocation_type = kTfLiteMemNone; }},
      {"declined:dynamic-weights", [](Model& m) { m.interpreter.raw(m.bias).data.f = nullptr; }},
      {"declined:compressed-weights",
       [](Model& m) { m.interpreter.raw(m.weights).sparsity = &kSparsity; }},
      {"declined:weights-shape", [](Model& m) { m.interpreter.raw(m.weights).bytes -= 4; }},
      {"declined:constant-operand",
       [](Model& m) { m.interpreter.raw(m.input).allocation_type = kTfLiteMmapRo; }},
      {"declined:groups",
       [](Model& m) { m.interpreter.resize(m.input, std::vector<int>{1, 9, 9, 24}); }},
      {"declined:rank",
       [](Model& m) { m.interpreter.resize(m.input, std::vector<int>{9, 9, 16}); }},
      {"declined:dynamic-shape",
       [](Model& m) { m.interpreter.resize(m.input, std::vector<int>{1, 0, 9, 16}); }},
      {"declined:window",
       [](Model& m) {
         m.interpreter.resize(m.weights, std::vector<int>{kFilters, 0, 3, kChannels});
       }},
      {"declined:bias-shape", [](Model& m) { m.interpreter.raw(m.bias).bytes = 4; }},
  };
  for (const Defect& defect : defects) {
    TfLiteDelegate* delegate = create_delegate(forced());
    {
      Model model;
      defect.make(model);
      ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
      EXPECT_FALSE(model.interpreter.claimed());
      ASSERT_EQ(layers_of(delegate).size(), 1u);
      EXPECT_EQ(layers_of(delegate)[0].reason, defect.reason);
      EXPECT_EQ(layers_of(delegate)[0].kernel, "stock");
    }
    destroy_delegate(delegate);
  }
}

TEST(Declines, MissingOperands) {
  const std::vector<std::function<std::vector<int>(const Model&)>> incomplete = {
      [](const Model&) { return std::vector<int>{}; },
      [](const Model& m) { return std::vector<int>{m.input}; },
      [](const Model& m) { return std::vector<int>{-1, m.weights, m.bias}; },
      [](const Model& m) { return std::vector<int>{m.input, -1, m.bias}; },
  };
  for (const auto& inputs : incomplete) {
    TfLiteDelegate* delegate = create_delegate(forced());
    {
      Model model;
      const int output = model.interpreter.tensor({1, kSize, kSize, kFilters});
      model.interpreter.node(kTfLiteBuiltinConv2d, inputs(model), output, kConvParams);
      ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
      EXPECT_EQ(model.interpreter.claimed_nodes(), std::vector<int>{0});
    }
    destroy_delegate(delegate);
  }
}

TEST(Declines, AShapeLeftOut) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    const int rows = model.interpreter.tensor({kSize * kSize, kFilters});
    // A shape that fits, where nothing is to be read.
    std::int32_t shape[] = {kSize * kSize, kFilters};
    TfLiteTensor& before = model.interpreter.raw(-1);
    before.type = kTfLiteInt32;
    before.allocation_type = kTfLiteMmapRo;
    before.data.i32 = shape;
    before.bytes = sizeof(shape);
    model.interpreter.node(kTfLiteBuiltinReshape, {model.output, -1}, rows, TfLiteReshapeParams{});
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    EXPECT_EQ(model.interpreter.claimed_nodes(), std::vector<int>{0});
  }
  destroy_delegate(delegate);
}

TEST(Declines, AMissingOutput) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    model.interpreter.node(kTfLiteBuiltinConv2d, {model.input, model.weights, model.bias}, -1,
                           kConvParams);
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    EXPECT_EQ(model.interpreter.claimed_nodes(), std::vector<int>{0});
    EXPECT_EQ(layers_of(delegate).size(), 1u);
  }
  destroy_delegate(delegate);
}

TEST(Declines, BadParameters) {
  for (const auto& [reason, params] : std::vector<std::pair<const char*, TfLiteConvParams>>{
           {"declined:window", {kTfLitePaddingSame, 0, 1, kTfLiteActNone, 1, 1}},
           {"declined:window", {kTfLitePaddingSame, 1, 0, kTfLiteActNone, 1, 1}},
           {"declined:window", {kTfLitePaddingSame, 1, 1, kTfLiteActNone, 1, -1}},
           {"declined:window", {kTfLitePaddingSame, 1, 1, kTfLiteActNone, 0, 1}},
           {"declined:empty-output", {kTfLitePaddingValid, 1, 1, kTfLiteActNone, 9, 9}},
           {"declined:activation",
            {kTfLitePaddingSame, 1, 1, static_cast<TfLiteFusedActivation>(4), 1, 1}}}) {
    TfLiteDelegate* delegate = create_delegate(forced());
    {
      Model model(params);
      ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
      EXPECT_FALSE(model.interpreter.claimed());
      EXPECT_EQ(layers_of(delegate).at(0).reason, reason);
    }
    destroy_delegate(delegate);
  }
}

}  // namespace
}  // namespace patternlite::tflite
