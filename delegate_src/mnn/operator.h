// Reads the operators of an .mnn file: just enough of its flatbuffer schema for those we run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "mnn/abi.h"

namespace patternlite::mnn {

enum OpType : std::int32_t {
  kBinaryOp = 7,
  kConvolution = 12,
  kConvolutionDepthwise = 13,
  kEltwise = 22,
  kPooling = 47,
  kRelu = 69,
  kRelu6 = 70,
  kUnaryOp = 101,
  kRaster = 128
};

std::int32_t op_type(const abi::Op* op);
std::string op_name(const abi::Op* op);  // "" if it has none

// MNN's Convolution2D. Weights are read by the engine (EngineFunctions::convolution_weights).
struct ConvolutionOp {
  enum class Padding { kExplicit = 0, kValid = 1, kSame = 2 };

  int filters = 0, channels = 0, groups = 1;
  bool depthwise = false;  // each filter has weights for one channel, its own
  Window window;           // explicit paddings filled in
  Padding padding = Padding::kExplicit;
  Activation activation = Activation::kNone;
  bool integer = false;     // computes in integers
  bool damaged = false;     // what is stored of its sparse weights does not fit together
  std::vector<float> bias;  // [filters], or empty

  std::size_t kernel_area() const {
    return static_cast<std::size_t>(window.kernel_h) * window.kernel_w;
  }
  std::size_t weights() const { return kernel_area() * filters * (depthwise ? 1 : channels); }
};

// `op` must be of type kConvolution or kConvolutionDepthwise. Throws std::invalid_argument if it is
// not a Convolution2D.
ConvolutionOp read_convolution(const abi::Op* op);

// The window with the paddings that MNN uses between these shapes.
Window padded_window(const ConvolutionOp& conv, const Shape& input, const Shape& output);

// The activation of a BinaryOp or Eltwise that adds or multiplies two tensors; nothing if `op` is
// another operator or does more.
std::optional<Activation> read_addition(const abi::Op* op);
std::optional<Activation> read_multiplication(const abi::Op* op);

// Of a ReLU or ReLU6; nothing if `op` is another operator, or has a slope or other bounds.
std::optional<Activation> read_activation(const abi::Op* op);

// Without its tensors: of a UnaryOp or a ReLU with a slope; nothing if `op` is another operator.
std::optional<CurveOp> read_curve(const abi::Op* op);

struct PoolingOp {
  PoolMode mode = PoolMode::kMax;
  Window window;  // explicit paddings filled in
  bool global = false;
  bool same_padding = false;
};

// Nothing if `op` is no Pooling.
std::optional<PoolingOp> read_pooling(const abi::Op* op);

// The window between these shapes; nothing where MNN's rules for what is outside the image differ
// from the engine's.
std::optional<Window> pooling_window(const PoolingOp& pool, const Shape& input,
                                     const Shape& output);

}  // namespace patternlite::mnn
