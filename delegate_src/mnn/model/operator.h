// Reads the operators of an .mnn file: just enough of its flatbuffer schema for those we run.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "mnn/abi/abi.h"

namespace patternlite::mnn {

enum OpType : std::int32_t {
  kBinaryOp = 7,
  kConvolution = 12,
  kConvolutionDepthwise = 13,
  kEltwise = 22,
  kInterp = 35,
  kPooling = 47,
  kPrelu = 49,
  kRelu = 69,
  kRelu6 = 70,
  kScale = 77,
  kUnaryOp = 101,
  kRaster = 128,
  kWhile = 600
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
  // How many channels each filter reads.
  int group_channels() const { return depthwise ? 1 : groups > 0 ? channels / groups : channels; }
  std::size_t weights() const { return kernel_area() * filters * group_channels(); }
};

// `op` must be of type kConvolution or kConvolutionDepthwise. Throws std::invalid_argument if it is
// no Convolution2D.
ConvolutionOp read_convolution(const abi::Op* op);

// The window with the padding of MNN's SAME; negative if strides leave out the image's first cells.
Window same_padded(Window window, const Shape& input, const Shape& output);
// The window with the paddings that MNN uses between these shapes.
Window padded_window(const ConvolutionOp& conv, const Shape& input, const Shape& output);

}  // namespace patternlite::mnn
