// GraphReader's translation of each operator.
#include <algorithm>
#include <limits>

#include "tflite/graph_reader.h"

namespace patternlite::tflite {
namespace {

Activation read_activation(const OpNode& node, TfLiteFusedActivation activation) {
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
Axis slide(TfLitePadding padding, int input, int kernel, int stride, int dilation) {
  const int reach = (kernel - 1) * dilation + 1;
  if (padding == kTfLitePaddingValid) return {input < reach ? 0 : (input - reach) / stride + 1, 0};
  const int output = (input + stride - 1) / stride;
  return {output, std::max(0, (output - 1) * stride + reach - input) / 2};
}

bool touches(const Axis& axis, int image, int extra_pad, int kernel, int stride, int dilation) {
  const int before = axis.pad + extra_pad;
  return before <= (kernel - 1) * dilation && (axis.output - 1) * stride - before < image;
}

// The runtime has not yet checked the operator when the delegate first sees it.
void require_window(const OpNode& node, int height, int width) {
  if (height < 1 || width < 1) throw Declined(node.index, "window");
}

}  // namespace

void GraphReader::add_convolution(const OpNode& node) {
  const auto& params = node.params_as<TfLiteConvParams>();
  const Value input = map_value(node, 0);
  require_window(node, params.stride_height, params.stride_width);
  require_window(node, params.dilation_height_factor, params.dilation_width_factor);
  const Pad pad = input.pad.value_or(Pad{});
  if (pad.fill != 0) throw Declined(pad.node, "pad-not-foldable");

  const std::span<const int> dims = items(tensor(node.inputs[1]).dims);  // O, H, W, I
  const Shape shape = shape_of(input);
  if (dims.size() != 4) throw Declined(node.index, "rank");
  if (dims[3] != shape.channels) throw Declined(node.index, "groups");
  const int filters = dims[0], kernel_h = dims[1], kernel_w = dims[2], channels = dims[3];

  const Axis rows = slide(params.padding, shape.height + pad.top + pad.bottom, kernel_h,
                          params.stride_height, params.dilation_height_factor);
  const Axis columns = slide(params.padding, shape.width + pad.left + pad.right, kernel_w,
                             params.stride_width, params.dilation_width_factor);
  // The engine wants every window to touch the image.
  if (!touches(rows, shape.height, pad.top, kernel_h, params.stride_height,
               params.dilation_height_factor) ||
      !touches(columns, shape.width, pad.left, kernel_w, params.stride_width,
               params.dilation_width_factor)) {
    throw Declined(input.pad ? pad.node : node.index, "pad-not-foldable");
  }
  const Activation activation = read_activation(node, params.activation);
  const Value output = define(node, {filters, rows.output, columns.output},
                              {input.dims[0], rows.output, columns.output, filters}, activation);
  const Convolution convolution{
      .input = input.id,
      .output = output.id,
      .window = {.kernel_h = kernel_h,
                 .kernel_w = kernel_w,
                 .stride_h = params.stride_height,
                 .stride_w = params.stride_width,
                 .dilation_h = params.dilation_height_factor,
                 .dilation_w = params.dilation_width_factor,
                 .pad_top = rows.pad + pad.top,
                 .pad_left = columns.pad + pad.left},
      .weights = {.data = weights(node),
                  .filter_stride = std::ptrdiff_t{kernel_h} * kernel_w * channels,
                  .channel_stride = 1,
                  .row_stride = std::ptrdiff_t{kernel_w} * channels,
                  .column_stride = channels},
      .bias = bias(node, filters),
      .activation = activation};
  graph_.nodes.push_back({convolution, name_of(context_, node)});
  convolution_nodes_.push_back(node.index);
}

void GraphReader::add_fully_connected(const OpNode& node) {
  const auto& params = node.params_as<TfLiteFullyConnectedParams>();
  const Value input = unpadded_value(node, 0);
  const Shape shape = shape_of(input);
  const std::span<const int> dims = items(tensor(node.inputs[1]).dims);  // units, depth
  if (params.weights_format != 0 || dims.size() != 2) throw Declined(node.index, "weights-format");
  const int units = dims[0], depth = dims[1];
  // Any other depth makes rows of the product out of parts of an image.
  if (static_cast<std::size_t>(depth) != shape.elements()) throw Declined(node.index, "depth");

  std::vector<int> output_dims = {input.dims[0], units};
  if (params.keep_num_dims && input.dims.size() == 4) {
    if (shape.height != 1 || shape.width != 1) throw Declined(node.index, "depth");
    output_dims = {input.dims[0], 1, 1, units};
  }
  const Activation activation = read_activation(node, params.activation);
  const Value output = define(node, {units, 1, 1}, output_dims, activation);
  const Convolution convolution{
      .input = input.id,
      .output = output.id,
      .window = {.kernel_h = shape.height, .kernel_w = shape.width},
      .weights = {.data = weights(node),
                  .filter_stride = depth,
                  .channel_stride = 1,
                  .row_stride = std::ptrdiff_t{shape.width} * shape.channels,
                  .column_stride = shape.channels},
      .bias = bias(node, units),
      .activation = activation};
  graph_.nodes.push_back({convolution, name_of(context_, node)});
  convolution_nodes_.push_back(node.index);
}

void GraphReader::add_pooling(const OpNode& node, PoolMode mode) {
  const auto& params = node.params_as<TfLitePoolParams>();
  const Value input = map_value(node, 0);
  const Shape shape = shape_of(input);
  require_window(node, params.stride_height, params.stride_width);
  require_window(node, params.filter_height, params.filter_width);
  const Pad pad = input.pad.value_or(Pad{});
  if (input.pad) {
    // The engine's pooling skips what lies outside the image. That is the same maximum if the fill
    // can never win and every window holds a real value.
    const bool never_wins =
        pad.fill <= std::numeric_limits<float>::lowest() || (pad.fill == 0 && input.non_negative);
    const bool fits = pad.top < params.filter_height && pad.bottom < params.filter_height &&
                      pad.left < params.filter_width && pad.right < params.filter_width &&
                      params.padding == kTfLitePaddingValid;
    if (mode != PoolMode::kMax || !never_wins || !fits) {
      throw Declined(pad.node, "pad-not-foldable");
    }
  }
  const Axis rows = slide(params.padding, shape.height + pad.top + pad.bottom, params.filter_height,
                          params.stride_height, 1);
  const Axis columns = slide(params.padding, shape.width + pad.left + pad.right,
                             params.filter_width, params.stride_width, 1);
  const Activation activation = read_activation(node, params.activation);
  const Value output =
      define(node, {shape.channels, rows.output, columns.output},
             {input.dims[0], rows.output, columns.output, shape.channels}, activation);
  values_[node.outputs[0]].non_negative |= input.non_negative;
  const Pooling pooling{.input = input.id,
                        .output = output.id,
                        .mode = mode,
                        .window = {.kernel_h = params.filter_height,
                                   .kernel_w = params.filter_width,
                                   .stride_h = params.stride_height,
                                   .stride_w = params.stride_width,
                                   .pad_top = rows.pad + pad.top,
                                   .pad_left = columns.pad + pad.left},
                        .activation = activation};
  graph_.nodes.push_back({pooling, name_of(context_, node)});
}

void GraphReader::add_mean(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  if (input.dims.size() != 4) throw Declined(node.index, "rank");
  std::vector<int> axes = constant_ints(node, 1);
  for (int& axis : axes) axis += axis < 0 ? 4 : 0;
  std::ranges::sort(axes);
  if (axes != std::vector<int>{1, 2}) throw Declined(node.index, "axes");

  const Shape shape = shape_of(input);
  const int batch = input.dims[0];
  const std::vector<int> dims = node.params_as<TfLiteReducerParams>().keep_dims
                                    ? std::vector<int>{batch, 1, 1, shape.channels}
                                    : std::vector<int>{batch, shape.channels};
  const Value output = define(node, {shape.channels, 1, 1}, dims, Activation::kNone);
  const Pooling pooling{.input = input.id,
                        .output = output.id,
                        .mode = PoolMode::kAverage,
                        .window = {.kernel_h = shape.height, .kernel_w = shape.width}};
  graph_.nodes.push_back({pooling, name_of(context_, node)});
}

void GraphReader::add_addition(const OpNode& node) {
  const Value a = unpadded_value(node, 0);
  const Value b = unpadded_value(node, 1);
  if (a.dims != b.dims || shape_of(a) != shape_of(b)) throw Declined(node.index, "broadcast");
  const Activation activation = read_activation(node, node.params_as<TfLiteAddParams>().activation);
  const Value output = define(node, shape_of(a), a.dims, activation);
  graph_.nodes.push_back({Addition{a.id, b.id, output.id, activation}, name_of(context_, node)});
}

void GraphReader::add_activation(const OpNode& node, Activation activation) {
  const Value input = unpadded_value(node, 0);
  const Value output = define(node, shape_of(input), input.dims, activation);
  graph_.nodes.push_back({ActivationOp{input.id, output.id, activation}, name_of(context_, node)});
}

void GraphReader::add_pad(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  const std::vector<int> amounts = constant_ints(node, 1);  // [rank][before, after]
  const float* fill = constant(node, 2);
  if (input.dims.size() != 4 || amounts.size() != 8) throw Declined(node.index, "rank");
  if (amounts[0] || amounts[1] || amounts[6] || amounts[7]) throw Declined(node.index, "axes");
  if (std::ranges::any_of(amounts, [](int amount) { return amount < 0 || amount > 4096; })) {
    throw Declined(node.index, "pad-amount");
  }
  Value padded = input;
  padded.pad = Pad{.node = node.index,
                   .top = amounts[2],
                   .left = amounts[4],
                   .bottom = amounts[3],
                   .right = amounts[5],
                   .fill = fill ? *fill : 0};
  padded.dims[1] += amounts[2] + amounts[3];
  padded.dims[2] += amounts[4] + amounts[5];
  values_[node.outputs[0]] = padded;
}

void GraphReader::add_reshape(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  std::vector<int> dims;
  if (node.inputs.size() > 1) {
    dims = constant_ints(node, 1);
  } else {
    const auto& params = node.params_as<TfLiteReshapeParams>();
    dims.assign(params.shape, params.shape + params.num_dimensions);
  }
  const Shape shape = shape_of(input);
  const auto elements = static_cast<std::int64_t>(shape.elements()) * input.dims[0];
  std::int64_t known = 1;
  for (const int size : dims) known *= size < 0 ? 1 : size;
  for (int& size : dims) {
    if (size < 0 && known > 0) size = static_cast<int>(elements / known);
  }
  const int per_image = static_cast<int>(shape.elements());
  const std::vector<int> flat = {input.dims[0], per_image};
  const std::vector<int> map = {input.dims[0], shape.height, shape.width, shape.channels};
  if (dims != flat && dims != map) throw Declined(node.index, "reshape");
  alias(node, input, dims);
}

void GraphReader::add_squeeze(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  const auto& params = node.params_as<TfLiteSqueezeParams>();
  std::vector<int> axes(params.squeeze_dims, params.squeeze_dims + params.num_squeeze_dims);
  for (int& axis : axes) axis += axis < 0 ? 4 : 0;
  std::ranges::sort(axes);
  const Shape shape = shape_of(input);
  if (input.dims.size() != 4 || axes != std::vector<int>{1, 2} || shape.height != 1 ||
      shape.width != 1) {
    throw Declined(node.index, "axes");
  }
  alias(node, input, {input.dims[0], shape.channels});
}

}  // namespace patternlite::tflite
