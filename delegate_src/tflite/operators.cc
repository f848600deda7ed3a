// GraphReader's translation of the operators without weights.
#include <algorithm>
#include <limits>

#include "tflite/graph_reader.h"
#include "tflite/parameters.h"

namespace patternlite::tflite {

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
  const std::span<const float> fill = constant(node, 2);
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
                   .fill = fill.empty() ? 0 : fill[0]};
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

// Who reads its constant finds it expanded.
void GraphReader::add_expander(const OpNode& node) {
  if (!constants_.is_expanded(node.outputs[0])) throw Declined(node.index, "unsupported-op");
  expanders_[node.outputs[0]] = node.index;
}

}  // namespace patternlite::tflite
