// What several operators' parameters mean.
#pragma once

#include <algorithm>

#include "engine/graph/graph.h"
#include "tflite/node.h"

namespace patternlite::tflite {

inline Activation read_activation(const OpNode& node, TfLiteFusedActivation activation) {
  switch (activation) {
    case kTfLiteActNone:
      return Activation::kNone;
    case kTfLiteActRelu:
      return Activation::kRelu;
    case kTfLiteActRelu6:
      return Activation::kRelu6;
    case kTfLiteActReluN1To1:
      return Activation::kReluN1To1;
  }
  throw Declined(node.index, "activation");
}

// TFLite's rule for one axis: how many window positions there are, and the zeros before the first.
struct Axis {
  int output, pad;
};
inline Axis slide(TfLitePadding padding, int input, int kernel, int stride, int dilation) {
  const int reach = (kernel - 1) * dilation + 1;
  if (padding == kTfLitePaddingValid) return {input < reach ? 0 : (input - reach) / stride + 1, 0};
  const int output = (input + stride - 1) / stride;
  return {output, std::max(0, (output - 1) * stride + reach - input) / 2};
}

inline bool touches(const Axis& axis, int image, int extra_pad, int kernel, int stride,
                    int dilation) {
  const int before = axis.pad + extra_pad;
  return before <= (kernel - 1) * dilation && (axis.output - 1) * stride - before < image;
}

// The runtime has not yet checked the operator when the delegate first sees it.
inline void require_window(const OpNode& node, int height, int width) {
  if (height < 1 || width < 1) throw Declined(node.index, "window");
}

}  // namespace patternlite::tflite
