// Parameter blocks of the kernels other than convolutions of maps. kernels.h explains the terms.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/convolutions.h"

namespace patternlite::kernels {

// A dense matrix times a vector: for each row one output value, in a plane of its own.
struct FcDense {
  const float* input;  // [columns]
  float* output;
  const float* weights;  // row r from weights + r * row_stride on; any alignment
  size_t row_stride;
  const float* bias;  // [rows], or null
  Epilogue epilogue;
  size_t output_plane;  // elements between output values
  int columns;
  int row_begin, row_end;
};

// A sparse matrix times a vector. Non-zero weights are ordered by block (kFcBlock rows), chunk
// (kFcChunk columns, so that their inputs stay in L1), row and column.
struct FcSparse {
  const float* input;
  float* output;
  const float* weights;    // the non-zero ones
  const uint16_t* column;  // of each, within its chunk
  const uint32_t* start;   // [rows * chunks + 1]: first weight of each row's part of a chunk
  const float* bias;
  Epilogue epilogue;
  size_t output_plane;
  int rows, columns;
  int block_begin, block_end;
};
inline constexpr int kFcBlock = 64;
inline constexpr int kFcChunk = 4096;

enum class PoolKind : int { kMax, kAverage };

// Max or average pooling of `channels` planes; writes real positions only. Every window must
// contain at least one cell of the image. A maximum may lose a NaN. Average pooling divides by the
// number of window cells that lie inside the image (TFLite's rule, and MNN's default).
struct Pool {
  const float* input;
  float* output;
  PoolKind kind;
  int channels;
  int input_height, input_width, input_pitch;
  int output_height, output_width, output_pitch;
  size_t input_plane, output_plane;  // elements between planes
  int kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left;
  float low, high;
};

// The maps of an elementwise operator, all of one geometry.
struct Planes {
  int channels;
  int height, width, pitch;
  size_t plane;  // elements between planes
};

// output = clamp(a + b) or clamp(a * b). Writes real positions only; output may be an operand.
enum class BinaryKind : int { kAdd, kMultiply };
struct Binary {
  const float* a;
  const float* b;
  float* output;
  BinaryKind kind;
  Planes planes;
  float low, high;
};

// output = clamp(input * scale + shift), with a scale and a shift for each channel. Writes real
// positions only; the output may be the input.
struct Scale {
  const float* input;
  float* output;
  const float* scales;  // of channel c: scales[c * scale_stride]
  const float* shifts;  // [channels], or null: none
  size_t scale_stride;
  Planes planes;
  float low, high;
};

// An activation that is not a clamp: leaky ReLU, x * slope below 0, with a slope for each channel;
// hard swish, x * clamp(x + 3, 0, 6) / 6; sigmoid, 1 / (1 + exp(-x)); SiLU, x * sigmoid(x); the
// hyperbolic tangent; GELU, x * (1 + erf(x / sqrt(2))) / 2; or its usual approximation, x * (1 +
// tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2. Writes real positions only; the output may be the
// input.
enum class CurveKind : int { kLeakyRelu, kHardSwish, kSigmoid, kSilu, kTanh, kGelu, kTanhGelu };
struct Curve {
  const float* input;
  float* output;
  CurveKind kind;
  const float* slopes;  // [channels], of kLeakyRelu
  Planes planes;
};

// output = (input - mean) / sqrt(variance + epsilon) * scale + shift, with mean and variance over
// all channels of a position, or over all positions of a channel, and a scale and a shift for each
// channel. Writes real positions only.
struct Norm {
  const float* input;
  float* output;
  const float* scales;  // [channels], as shifts
  const float* shifts;
  float epsilon;
  Planes planes;
};

// Interleaved (NHWC, or one block of MNN's channels) <-> planar, `channels` channels of one image.
// Writes the channels of real positions only; `pixel_stride` may exceed `channels`.
struct Interleave {
  const float* input;
  float* output;
  int channels;
  int pixel_stride;  // interleaved side: elements between pixels
  int height, width;
  int pitch;     // planar side
  size_t plane;  // planar side
};

}  // namespace patternlite::kernels
