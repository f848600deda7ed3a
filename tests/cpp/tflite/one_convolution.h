// An interpreter with one pattern-pruned convolution, and what it has to answer.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "fake_interpreter.h"
#include "tflite/delegate.h"

namespace patternlite::tflite {

inline constexpr int kChannels = 16, kSize = 9, kFilters = 24;

inline const TfLiteConvParams kConvParams{kTfLitePaddingSame, 1, 1, kTfLiteActRelu, 1, 1};

inline float weight(int o, int y, int x, int i) {
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

inline Options forced(int threads = 1) {
  Options options;
  options.num_threads = threads;
  options.force = true;
  return options;
}

}  // namespace patternlite::tflite
