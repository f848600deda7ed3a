// GraphReader's translation of pooling, and of means of positions; those of channels begin a norm.
#include <algorithm>
#include <limits>

#include "tflite/read/graph_reader.h"
#include "tflite/read/parameters.h"

namespace patternlite::tflite {

void GraphReader::add_pooling(const OpNode& node) {
  const bool of_most = node.builtin_code == kTfLiteBuiltinMaxPool2d;
  const PoolMode mode = of_most ? PoolMode::kMax : PoolMode::kAverage;
  const auto& params = node.params_as<TfLitePoolParams>();
  Value input = map_value(node, 0);
  require_window(node, params.stride_height, params.stride_width);
  require_window(node, params.filter_height, params.filter_width);
  if (input.pad) {
    // The engine's pooling skips what lies outside the image. That is the same maximum if the fill
    // can never win and every window holds a real value.
    const Pad& pad = *input.pad;
    const bool never_wins =
        pad.fill <= std::numeric_limits<float>::lowest() || (pad.fill == 0 && input.non_negative);
    const bool fits = pad.top < params.filter_height && pad.bottom < params.filter_height &&
                      pad.left < params.filter_width && pad.right < params.filter_width &&
                      params.padding == kTfLitePaddingValid;
    if (mode != PoolMode::kMax || !never_wins || !fits) input = padded_value(node.inputs[0]);
  }
  const Pad pad = input.pad.value_or(Pad{});
  const Shape shape = shape_of(input);
  const Axis rows = slide(params.padding, shape.height + pad.top + pad.bottom, params.filter_height,
                          params.stride_height, 1);
  const Axis columns = slide(params.padding, shape.width + pad.left + pad.right,
                             params.filter_width, params.stride_width, 1);
  const Shape made{shape.channels, cells_or_one(node, input, rows.output),
                   cells_or_one(node, input, columns.output)};
  const Activation activation = read_activation(node, params.activation);
  Value& output =
      define(node, input, made, {input.batch, made.height, made.width, made.channels}, activation);
  output.non_negative |= input.non_negative;
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
  push(node, pooling);
}

std::optional<Norm::Over> GraphReader::mean_over(const OpNode& node, const Value& input) const {
  std::vector<int> axes = constant_ints(node, 1);
  const auto rank = static_cast<int>(input.dims.size());
  for (int& axis : axes) axis += axis < 0 ? rank : 0;
  std::ranges::sort(axes);
  const int channels = static_cast<int>(channel_axis(input));
  const int rows = static_cast<int>(rows_axis(input));
  if (axes == std::vector{channels} && input.dims[channels] == shape_of(input).channels) {
    return Norm::Over::kChannels;
  }
  const bool of_positions = rank == 4 && axes == std::vector{rows, rows + 1};
  return of_positions ? std::optional(Norm::Over::kPositions) : std::nullopt;
}

void GraphReader::add_mean(const OpNode& node) {
  Value input = unpadded_value(node, 0);
  const auto over = mean_over(node, input);
  if (!over) throw Declined(node.index, "axes");
  if (over == Norm::Over::kChannels) return begin_norm(node, input);

  const Shape shape = shape_of(input);
  std::vector<int> dims = {input.batch, 1, 1, shape.channels};
  const bool keep_dims = node.params_as<TfLiteReducerParams>().keep_dims;
  if (!keep_dims) {
    dims = {input.batch, shape.channels};
    input.channels_first = false;
  }
  Value& output = define(node, input, {shape.channels, 1, 1}, dims, Activation::kNone);
  output.fixed_size = true;
  if (keep_dims) output.mean_of = node.inputs[0];
  const Pooling pooling{.input = input.id,
                        .output = output.id,
                        .mode = PoolMode::kAverage,
                        .window = {.kernel_h = shape.height, .kernel_w = shape.width}};
  push(node, pooling);
}

}  // namespace patternlite::tflite
