// GraphReader's translation of the operators with weights.
#include "engine/support/counted.h"
#include "tflite/read/graph_reader.h"
#include "tflite/read/parameters.h"

namespace patternlite::tflite {

void GraphReader::add_convolution(const OpNode& node) {
  add_windowed(node, node.params_as<TfLiteConvParams>(), /*depthwise=*/false);
}

void GraphReader::add_depthwise(const OpNode& node) {
  const auto& params = node.params_as<TfLiteDepthwiseConvParams>();
  add_windowed(node,
               {.padding = params.padding,
                .stride_width = params.stride_width,
                .stride_height = params.stride_height,
                .activation = params.activation,
                .dilation_width_factor = params.dilation_width_factor,
                .dilation_height_factor = params.dilation_height_factor},
               /*depthwise=*/true);
}

bool GraphReader::folds(const Pad& pad, const TfLiteConvParams& params, int kernel_h,
                        int kernel_w) {
  return pad.fill == 0 &&
         touches(params.padding, pad.top, pad.bottom, kernel_h, params.dilation_height_factor) &&
         touches(params.padding, pad.left, pad.right, kernel_w, params.dilation_width_factor);
}

TensorId GraphReader::repeated_channels(const OpNode& node, const Value& input, int times) {
  Shape shape = shape_of(input);
  std::vector<int> channels = each_repeated(shape.channels, times);
  shape.channels = static_cast<int>(channels.size());
  const TensorId repeated = graph_.add_tensor(shape);
  push(node, ChannelSelection{input.id, repeated, std::move(channels)});
  return repeated;
}

void GraphReader::add_windowed(const OpNode& node, const TfLiteConvParams& params, bool depthwise) {
  Value input = map_value(node, 0);
  require_window(node, params.stride_height, params.stride_width);
  require_window(node, params.dilation_height_factor, params.dilation_width_factor);

  // O, H, W, I, or 1, H, W, C
  const std::span<const int> dims = items(tensor(node.inputs[1]).dims);
  if (dims.size() != 4) throw Declined(node.index, "rank");
  const int kernel_h = dims[1], kernel_w = dims[2], channels = shape_of(input).channels;
  const int filters = depthwise ? dims[3] : dims[0], group_channels = depthwise ? 1 : dims[3];
  const int groups = group_channels > 0 ? channels / group_channels : 0;
  if (groups < 1 || channels % group_channels != 0 || filters < 1 || filters % groups != 0 ||
      (depthwise && dims[0] != 1)) {
    throw Declined(node.index, "groups");
  }
  require_window(node, kernel_h, kernel_w);
  // The engine wants every window to touch the image, which the pad is part of if need be.
  if (input.pad && !folds(*input.pad, params, kernel_h, kernel_w)) {
    input = padded_value(node.inputs[0]);
  }
  const Pad pad = input.pad.value_or(Pad{});
  const Shape shape = shape_of(input);

  const Axis rows = slide(params.padding, shape.height + pad.top + pad.bottom, kernel_h,
                          params.stride_height, params.dilation_height_factor);
  const Axis columns = slide(params.padding, shape.width + pad.left + pad.right, kernel_w,
                             params.stride_width, params.dilation_width_factor);
  const Shape made{filters, cells_or_one(node, input, rows.output),
                   cells_or_one(node, input, columns.output)};
  const Activation activation = read_activation(node, params.activation);
  const Value output =
      define(node, input, made, {input.batch, made.height, made.width, filters}, activation);
  WeightsView view =
      view_of(weights(node), {depthwise ? filters : group_channels, kernel_h, kernel_w}, depthwise);
  const bool by_channel = depthwise || (groups > 1 && group_channels == 1);
  if (by_channel && filters > channels) {
    input.id = repeated_channels(node, input, filters / channels);
  } else if (!by_channel && groups > 1) {
    view.group_filters = filters / groups;
    view.group_channels = group_channels;
  }
  const Convolution convolution{.input = input.id,
                                .output = output.id,
                                .window = {.kernel_h = kernel_h,
                                           .kernel_w = kernel_w,
                                           .stride_h = params.stride_height,
                                           .stride_w = params.stride_width,
                                           .dilation_h = params.dilation_height_factor,
                                           .dilation_w = params.dilation_width_factor,
                                           .pad_top = rows.pad + pad.top,
                                           .pad_left = columns.pad + pad.left},
                                .weights = view,
                                .bias = bias(node, 2, filters),
                                .activation = activation,
                                .depthwise = by_channel};
  push(node, convolution);
  convolution_nodes_.push_back(node.index);
}

void GraphReader::add_fully_connected(const OpNode& node) {
  const auto& params = node.params_as<TfLiteFullyConnectedParams>();
  const Value input = unpadded_value(node, 0);
  const Shape shape = shape_of(input);
  const std::span<const int> dims = items(tensor(node.inputs[1]).dims);  // units, depth
  if (params.weights_format != 0 || dims.size() != 2) throw Declined(node.index, "weights-format");
  const int units = dims[0], depth = dims[1];
  // It multiplies positions, as a 1x1 convolution does, or images. Any other depth makes rows of
  // the product out of parts of an image.
  const bool of_positions = depth == shape.channels;
  const bool of_images = static_cast<std::size_t>(depth) == shape.elements();
  if ((!of_positions && !of_images) || (params.keep_num_dims && input.dims.back() != depth)) {
    throw Declined(node.index, "depth");
  }
  const Shape window = of_positions ? Shape{depth, 1, 1} : shape;
  const Shape made = of_positions ? Shape{units, shape.height, shape.width} : Shape{units, 1, 1};
  std::vector<int> output_dims = {input.batch * made.height * made.width, units};
  if (params.keep_num_dims) {
    output_dims = input.dims;
    output_dims.back() = units;
  }
  const Activation activation = read_activation(node, params.activation);
  Value& output = define(node, input, made, output_dims, activation);
  output.fixed_size |= !of_positions;
  Convolution convolution{.input = input.id,
                          .output = output.id,
                          .window = {.kernel_h = window.height, .kernel_w = window.width},
                          .weights = view_of(weights(node), window),
                          .bias = bias(node, 2, units),
                          .activation = activation};
  convolution.weights.lasting = !constants_.is_decoded(node.inputs[1]);
  push(node, convolution);
  convolution_nodes_.push_back(node.index);
}

}  // namespace patternlite::tflite
