// The delegate in an interpreter of our own, where sanitizers see every access.
#include "tflite/delegate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "fake_interpreter.h"

namespace patternlite::tflite {
namespace {

constexpr int kChannels = 16, kSize = 9, kFilters = 24;

const TfLiteConvParams kConvParams{kTfLitePaddingSame, 1, 1, kTfLiteActRelu, 1, 1};

float weight(int o, int y, int x, int i) {
  const bool kept = (o + i) % 5 == 0 && (y == 1 || x == 1) && (y + x + o) % 2 == 0;
  return kept ? 0.1f * static_cast<float>((o * 7 + i * 3 + y + 2 * x) % 11 - 5) : 0;
}

// input -> CONV_2D 3x3 SAME, RELU -> output
struct Model {
  FakeInterpreter interpreter;
  int input, weights, bias, output;

  explicit Model(TfLiteConvParams params = kConvParams) {
    std::vector<float> values;
    for (int o = 0; o < kFilters; ++o) {
      for (int y = 0; y < 3; ++y) {
        for (int x = 0; x < 3; ++x) {
          for (int i = 0; i < kChannels; ++i) values.push_back(weight(o, y, x, i));
        }
      }
    }
    input = interpreter.tensor({1, kSize, kSize, kChannels});
    weights = interpreter.constant({kFilters, 3, 3, kChannels}, values);
    bias = interpreter.constant({kFilters}, std::vector<float>(kFilters, 0.25f));
    output = interpreter.tensor({1, kSize, kSize, kFilters});
    interpreter.outputs = {output};
    interpreter.node(kTfLiteBuiltinConv2d, {input, weights, bias}, output, params);
  }

  void run_and_check(int batch, int size) {
    interpreter.resize(input, std::vector<int>{batch, size, size, kChannels});
    ASSERT_EQ(interpreter.prepare(), kTfLiteOk) << interpreter.error;
    ASSERT_EQ(interpreter.dims(output), (std::vector<int>{batch, size, size, kFilters}));
    std::vector<float>& in = interpreter.data(input);
    for (std::size_t k = 0; k < in.size(); ++k) in[k] = std::sin(static_cast<float>(k));
    ASSERT_EQ(interpreter.invoke(), kTfLiteOk);
    const std::vector<float>& out = interpreter.data(output);
    for (int n = 0; n < batch; ++n) {
      for (int y = 0; y < size; ++y) {
        for (int x = 0; x < size; ++x) {
          for (int o = 0; o < kFilters; ++o) {
            const int at = ((n * size + y) * size + x) * kFilters + o;
            ASSERT_NEAR(out[at], expected(in, size, n, y, x, o), 1e-4) << n << y << x << o;
          }
        }
      }
    }
  }

  static float expected(const std::vector<float>& in, int size, int n, int y, int x, int o) {
    double sum = 0.25;
    for (int dy = 0; dy < 3; ++dy) {
      for (int dx = 0; dx < 3; ++dx) {
        const int row = y + dy - 1, column = x + dx - 1;
        if (row < 0 || column < 0 || row >= size || column >= size) continue;
        for (int i = 0; i < kChannels; ++i) {
          sum += in[((n * size + row) * size + column) * kChannels + i] * weight(o, dy, dx, i);
        }
      }
    }
    return static_cast<float>(std::max(sum, 0.0));
  }
};

Options forced(int threads = 1) {
  Options options;
  options.num_threads = threads;
  options.force = true;
  return options;
}

TEST(DelegateTest, RunsThroughResizes) {
  TfLiteDelegate* delegate = create_delegate(forced(2));
  {
    Model model;
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    ASSERT_TRUE(model.interpreter.claimed());
    model.run_and_check(1, kSize);
    model.run_and_check(3, kSize);
    model.run_and_check(2, 14);
    model.run_and_check(1, kSize);
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, KeepsWhatItCompiledForTwoSizes) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    model.run_and_check(1, kSize);
    model.run_and_check(2, 14);
    // Whoever reads the weights anew would see it.
    std::ranges::fill(model.interpreter.data(model.weights), 1.0f);
    model.run_and_check(1, kSize);
    model.run_and_check(2, 14);
    model.run_and_check(3, kSize);
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, KeepsNoSizeThatNeverRan) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    model.run_and_check(1, 14);
    std::ranges::fill(model.interpreter.data(model.weights), 0.0f);  // who reads them anew sees it
    model.interpreter.resize(model.input, std::vector<int>{1, kSize, kSize, kChannels});
    ASSERT_EQ(model.interpreter.prepare(), kTfLiteOk) << model.interpreter.error;
    ASSERT_EQ(model.interpreter.invoke(), kTfLiteOk);
    for (const float out : model.interpreter.data(model.output)) ASSERT_EQ(out, 0.25f);
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, KeepsWhatItTookWhereItIsAppliedAnew) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    model.run_and_check(1, kSize);
    model.interpreter.undo();
    // As what the runtime's own operators make, it has its new shape only later.
    model.interpreter.resize(model.input, std::vector<int>{1, kSize, kSize, 1});
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    ASSERT_TRUE(model.interpreter.claimed());
    EXPECT_NE(layers_of(delegate).at(0).kernel, "stock");
    model.run_and_check(3, kSize);
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, MayBeDestroyedBeforeTheInterpreter) {
  Model model;
  TfLiteDelegate* delegate = create_delegate(forced());
  ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
  destroy_delegate(delegate);
  model.run_and_check(2, kSize);
}

TEST(DelegateTest, ServesSeveralInterpreters) {
  TfLiteDelegate* delegate = create_delegate(forced(2));
  {
    Model first, second;
    ASSERT_EQ(first.interpreter.apply(delegate), kTfLiteOk);
    ASSERT_EQ(second.interpreter.apply(delegate), kTfLiteOk);
    first.run_and_check(1, kSize);
    second.run_and_check(2, 12);
    first.run_and_check(1, kSize);
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, AShapeThatDoesNotFitIsAnError) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    model.interpreter.resize(model.input, std::vector<int>{1, kSize, kSize, kChannels + 1});
    EXPECT_EQ(model.interpreter.prepare(), kTfLiteError);
    EXPECT_NE(model.interpreter.error.find("does not run at these input shapes"),
              std::string::npos);
    model.run_and_check(1, kSize);
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, SaysThatMemoryRanOutWhereItDid) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    model.interpreter.has_no_memory = true;
    EXPECT_EQ(model.interpreter.prepare(), kTfLiteError);
    EXPECT_NE(model.interpreter.error.find("out of memory"), std::string::npos);
    model.interpreter.has_no_memory = false;
    model.run_and_check(1, kSize);
  }
  destroy_delegate(delegate);
}

TEST(DelegateTest, SaysWhatToDoWhereItTakesNothing) {
  TfLiteDelegate* delegate = create_delegate(forced());
  {
    Model model;
    model.interpreter.gives_no_plan = true;
    testing::internal::CaptureStderr();
    EXPECT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
    const std::string told = testing::internal::GetCapturedStderr();
    EXPECT_NE(told.find("the interpreter gives no execution plan"), std::string::npos) << told;
    EXPECT_NE(told.find("update the runtime"), std::string::npos) << told;
  }
  destroy_delegate(delegate);
}

constexpr TfLiteSparsity kSparsity{};

struct Defect {
  const char* reason;
  std::function<void(Model&)> make;
};

TEST(DelegateTest, DeclinesWithAReason) {
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

TEST(DelegateTest, DeclinesMissingOperands) {
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

TEST(DelegateTest, DeclinesAShapeLeftOut) {
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

TEST(DelegateTest, DeclinesAMissingOutput) {
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

TEST(DelegateTest, DeclinesBadParameters) {
  for (const auto& [reason, params] : std::vector<std::pair<const char*, TfLiteConvParams>>{
           {"declined:window", {kTfLitePaddingSame, 0, 1, kTfLiteActNone, 1, 1}},
           {"declined:window", {kTfLitePaddingSame, 1, 1, kTfLiteActNone, 1, -1}},
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
