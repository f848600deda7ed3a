// The meaning of parameters that several operators have.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "engine/graph/graph.h"
#include "tflite/read/node.h"

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
  const std::int64_t step = stride,
                     reach = (kernel - 1) * std::int64_t{dilation} + 1;  // of any file
  if (padding == kTfLitePaddingValid) {
    return {input < reach ? 0 : static_cast<int>((input - reach) / step + 1), 0};
  }
  const std::int64_t output = (input + step - 1) / step, pad = (output - 1) * step + reach - input;
  constexpr std::int64_t kMost = std::numeric_limits<int>::max() / 4;  // that may be added up
  return {static_cast<int>(output), static_cast<int>(std::clamp<std::int64_t>(pad / 2, 0, kMost))};
}

// Whether every window touches the image, at any size of it, with a PAD's zeros before and after
// it.
inline bool touches(TfLitePadding padding, int before, int after, int kernel, int dilation) {
  const std::int64_t most = (kernel - 1) * std::int64_t{dilation};
  if (padding == kTfLitePaddingValid) return before <= most && after <= most;
  // SAME adds half the window on either side if windows end with the image.
  return before <= most - most / 2 && after <= most / 2;
}

inline std::int64_t elements_of(const std::vector<int>& dims) {
  std::int64_t elements = 1;
  for (const int size : dims) elements *= size;
  return elements;
}

// Weights as TFLite orders them: filters, rows, columns, channels; depthwise: rows, columns,
// filters.
inline WeightsView view_of(const float* weights, const Shape& kernel, bool depthwise = false) {
  return {.data = weights,
          .filter_stride = depthwise ? 1 : static_cast<std::ptrdiff_t>(kernel.elements()),
          .channel_stride = 1,
          .row_stride = std::ptrdiff_t{kernel.width} * kernel.channels,
          .column_stride = kernel.channels};
}

// The runtime has not yet checked the operator when the delegate first sees it.
inline void require_window(const OpNode& node, int height, int width) {
  if (height < 1 || width < 1) throw Declined(node.index, "window");
}

}  // namespace patternlite::tflite
