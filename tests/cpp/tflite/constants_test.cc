// float16 and sparse weights on their way into a delegate.
#include "tflite/read/constants.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fake_interpreter.h"
#include "sparse_encoder.h"
#include "tflite/delegate.h"
#include "tflite/options.h"
#include "tflite/read/half.h"

namespace patternlite::tflite {
namespace {

constexpr std::uint16_t kOne = 0x3c00, kMinusTwo = 0xc000;

TEST(HalfTest, EveryValue) {
  for (int bits = 0; bits < 1 << 16; ++bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float actual = half_to_float(static_cast<std::uint16_t>(bits));
    ASSERT_EQ(std::signbit(actual), bits >= 1 << 15) << bits;
    if (exponent == 31 && fraction) {
      ASSERT_TRUE(std::isnan(actual)) << bits;
    } else {
      const double magnitude = exponent == 31  ? std::numeric_limits<double>::infinity()
                               : exponent == 0 ? std::ldexp(fraction, -24)
                                               : std::ldexp(1024 + fraction, exponent - 25);
      ASSERT_EQ(std::abs(actual), magnitude) << bits;
    }
  }
}

const TfLiteConvParams kConvParams{kTfLitePaddingSame, 1, 1, kTfLiteActNone, 1, 1};
struct NoParams {};

// One 1x1 convolution of 3 channels with 2 filters, whose weights come a long way.
struct Model {
  FakeInterpreter interpreter;
  const std::vector<int> dims = {2, 1, 1, 3};
  int input = interpreter.tensor({1, 4, 4, 3});
  int output = interpreter.tensor({1, 4, 4, 2});
  SparseTensor<std::uint16_t> halves = SparseEncoder{
      .dims = dims,
      .block_size = {1, 1, 1, 1},
      .order = {0, 1, 2, 3},
      .compressed = {false, false, false,
                     true}}.encode(std::vector<std::uint16_t>{kOne, 0, 0, kOne, kMinusTwo, 0});
  TfLiteTensor sparse_tensor = halves.tensor();

  Model() { interpreter.outputs = {output}; }

  // The tensor behind a decoder.
  int decode(TfLiteBuiltinOperator code, int stored, TfLiteType type) {
    const int decoded = interpreter.tensor(dims, type);
    interpreter.raw(decoded).data.raw = nullptr;
    interpreter.node(code, {stored}, decoded, NoParams{});
    return decoded;
  }
  int sparse_half() {
    const int stored = interpreter.constant_as(dims, kTfLiteFloat16, halves.values);
    interpreter.raw(stored).sparsity = sparse_tensor.sparsity;
    return stored;
  }
  int dense_half() {
    return interpreter.constant_as<std::uint16_t>(dims, kTfLiteFloat16,
                                                  {kOne, 0, 0, kOne, kMinusTwo, 0});
  }
  void convolve(int weights) {
    interpreter.node(kTfLiteBuiltinConv2d, {input, weights, -1}, output, kConvParams);
  }

  void run_and_check(int size) {
    interpreter.resize(input, std::vector<int>{1, size, size, 3});
    ASSERT_EQ(interpreter.prepare(), kTfLiteOk) << interpreter.error;
    std::vector<float>& in = interpreter.data(input);
    for (std::size_t k = 0; k < in.size(); ++k) in[k] = std::sin(static_cast<float>(k));
    ASSERT_EQ(interpreter.invoke(), kTfLiteOk);
    const std::vector<float>& out = interpreter.data(output);
    ASSERT_EQ(out.size(), in.size() / 3 * 2);
    for (std::size_t i = 0; i < in.size() / 3; ++i) {
      ASSERT_FLOAT_EQ(out[2 * i], in[3 * i]);
      ASSERT_FLOAT_EQ(out[2 * i + 1], in[3 * i] - 2 * in[3 * i + 1]);
    }
  }
};

Options forced() {
  Options options;
  options.num_threads = 1;
  options.force = true;
  return options;
}

void expect_claimed(Model& model) {
  TfLiteDelegate* delegate = create_delegate(forced());
  ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
  ASSERT_TRUE(model.interpreter.claimed()) << layers_of(delegate).at(0).reason;
  model.run_and_check(4);
  model.run_and_check(7);  // packs the weights again
  destroy_delegate(delegate);
}

void expect_declined(Model& model, const std::string& reason) {
  TfLiteDelegate* delegate = create_delegate(forced());
  ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk);
  EXPECT_FALSE(model.interpreter.claimed());
  EXPECT_EQ(layers_of(delegate).at(0).reason, reason);
  destroy_delegate(delegate);
}

TEST(ConstantsTest, Float16) {
  Model model;
  model.convolve(model.decode(kTfLiteBuiltinDequantize, model.dense_half(), kTfLiteFloat32));
  expect_claimed(model);
}

TEST(ConstantsTest, SparseFloat16) {
  Model model;
  const int densified = model.decode(kTfLiteBuiltinDensify, model.sparse_half(), kTfLiteFloat16);
  model.convolve(model.decode(kTfLiteBuiltinDequantize, densified, kTfLiteFloat32));
  expect_claimed(model);
}

TEST(ConstantsTest, SparseFloat) {
  Model model;
  const int stored = model.interpreter.constant_as<float>(model.dims, kTfLiteFloat32, {1, 1, -2});
  model.interpreter.raw(stored).sparsity = model.sparse_tensor.sparsity;
  model.convolve(model.decode(kTfLiteBuiltinDensify, stored, kTfLiteFloat32));
  expect_claimed(model);
}

TEST(ConstantsTest, SparseMetadataThatDoNotHoldTogether) {
  Model model;
  model.halves.levels[3].indices[0] = 3;
  model.sparse_tensor = model.halves.tensor();
  const int densified = model.decode(kTfLiteBuiltinDensify, model.sparse_half(), kTfLiteFloat16);
  model.convolve(model.decode(kTfLiteBuiltinDequantize, densified, kTfLiteFloat32));
  expect_declined(model, "declined:sparse-format");
}

TEST(ConstantsTest, ShapesThatDiffer) {
  for (const int filters : {2, 3}) {  // 3: as many weights, but in another order
    Model model;
    const int half = model.interpreter.constant_as<std::uint16_t>(
        {filters, 1, 1, 2}, kTfLiteFloat16, std::vector<std::uint16_t>(2 * filters, kOne));
    const int decoded = model.decode(kTfLiteBuiltinDequantize, half, kTfLiteFloat32);
    model.convolve(decoded);
    expect_declined(model, "declined:weights-shape");
  }
}

TEST(ConstantsTest, OtherTypesBehindADequantize) {
  Model model;
  const int stored =
      model.interpreter.constant_as<std::int8_t>(model.dims, kTfLiteInt8, {1, 2, 3, 4, 5, 6});
  const int decoded = model.decode(kTfLiteBuiltinDequantize, stored, kTfLiteFloat32);
  model.convolve(decoded);
  expect_declined(model, "declined:dtype-int8");
}

TEST(ConstantsTest, ADequantizeOfWhatIsMadeAtRunTime) {
  Model model;
  const int made = model.interpreter.tensor(model.dims, kTfLiteFloat16);
  const int decoded = model.decode(kTfLiteBuiltinDequantize, made, kTfLiteFloat32);
  model.convolve(decoded);
  expect_declined(model, "declined:dynamic-weights");
}

// The runtime makes it for the other reader, and the convolution is taken all the same.
TEST(ConstantsTest, WeightsThatAreAnOutputToo) {
  Model model;
  const int decoded = model.decode(kTfLiteBuiltinDequantize, model.dense_half(), kTfLiteFloat32);
  model.convolve(decoded);
  model.interpreter.outputs = {decoded, model.output};
  expect_claimed(model);
  EXPECT_EQ(model.interpreter.claimed_nodes(), std::vector<int>{1});
}

}  // namespace
}  // namespace patternlite::tflite
