// GraphReader's translation of the operators that rename axes or move them, and of TILE, which some
// of these prepare.
#include <algorithm>

#include "engine/support/counted.h"
#include "tflite/read/graph_reader.h"
#include "tflite/read/parameters.h"

namespace patternlite::tflite {
Axes GraphReader::map_axes(const Value& value) const {
  const Shape& shape = shape_of(value);
  return Axes::of_map(value.batch, shape.height, shape.width, shape.channels);
}

Axes GraphReader::axes_of(const Value& value) const {
  if (value.view) return *value.view;
  return value.channels_first ? map_axes(value).transposed(kToNchw) : map_axes(value);
}

void GraphReader::set_channels_first(Value& value, int viewer) const {
  const Shape& shape = shape_of(value);
  value.channels_first = true;
  value.viewer = viewer;
  value.dims = {value.batch, shape.channels, shape.height, shape.width};
}

void GraphReader::rearrange(const OpNode& node, const Value& input, const Axes& axes) {
  // Where a 1 stands for an open size, other orders look like these, which at other sizes are not.
  if (size_is_open_ && !input.fixed_size) return define_view(node, input, axes);
  const Axes map = map_axes(input);
  const auto of_nhwc = axes.as_map(map);
  const auto back =
      axes.dims().size() == 4 ? std::optional(axes.transposed(kToNhwc)) : std::nullopt;
  const auto of_nchw = back && !of_nhwc ? back->as_map(map) : std::nullopt;
  if (!of_nhwc && !of_nchw) return define_view(node, input, axes);
  const auto& [block, parts] = of_nhwc ? *of_nhwc : *of_nchw;
  Value made = input;
  const std::vector<int> dims = of_nhwc ? axes.dims() : back->dims();
  if (block > 1) {
    made = interleaved_parts(node, input, parts, block, dims);
  } else if (parts[0] != counted(shape_of(input).channels)) {
    made = selected_channels(node, input, parts[0], dims);
  }
  alias(node, made, dims);
  if (!of_nhwc) set_channels_first(values_[node.outputs[0]], node.index);
}

void GraphReader::define_view(const OpNode& node, const Value& input, const Axes& axes) {
  alias(node, input, axes.dims());
  Value& made = values_[node.outputs[0]];
  made.view = axes;
  made.viewer = node.index;
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
  const auto elements = static_cast<std::int64_t>(shape.elements()) * input.batch;
  const bool counts_rows = !dims.empty() && dims[0] < 0;
  const bool measures_rows = dims.size() == 2 && dims[1] < 0;
  std::int64_t known = 1;
  for (const int size : dims) known *= size < 0 ? 1 : size;
  for (int& size : dims) {
    if (size < 0 && known > 0) size = static_cast<int>(elements / known);
  }
  const Axes axes = axes_of(input);
  const bool in_order = axes.in_order(map_axes(input));
  const int per_image = static_cast<int>(shape.elements());
  const std::vector<int> images = {input.batch, per_image};
  const std::vector<int> positions = {input.batch * shape.height * shape.width, shape.channels};
  const std::vector<int> own = {input.batch, shape.height, shape.width, shape.channels};
  const bool flattens = in_order && (dims == images || dims == positions ||
                                     (measures_rows && elements_of(dims) == elements));
  // A map of other sizes is not read as another batch of such maps.
  const bool keeps_sizes = input.fixed_size || !counts_rows;
  const bool is_map = !input.view && !input.channels_first;
  const bool folds = in_order && dims == own && (input.fixed_size || (!is_map && keeps_sizes));
  if (flattens || folds) {
    alias(node, input, dims);
  } else {
    const bool sized = std::ranges::all_of(dims, [](int size) { return size >= 0; });
    if (!keeps_sizes || !sized || (in_order && dims == own)) throw Declined(node.index, "reshape");
    const auto reshaped = axes.reshaped(dims);
    if (!reshaped) throw Declined(node.index, "reshape");
    rearrange(node, input, *reshaped);
  }
  // At other sizes and batches, its rows are parts of maps, hold several, or lie in another order.
  const bool keeps_rows = input.fixed_size || (dims == positions && is_map);
  if (measures_rows || (counts_rows && !keeps_rows)) {
    values_[node.outputs[0]].flattener = node.index;
  }
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
  alias(node, input, {input.batch, shape.channels});
}

void GraphReader::add_transpose(const OpNode& node) {
  const std::vector<int> order = constant_ints(node, 1);
  if (turns_padded(node, order)) return;
  const Value input = unpadded_value(node, 0);
  std::vector<int> sorted = order;
  std::ranges::sort(sorted);
  if (sorted != counted(static_cast<int>(input.dims.size())) ||
      (!input.view && input.dims.size() != 4)) {
    throw Declined(node.index, "transpose");
  }
  const Axes axes = axes_of(input).transposed(order);
  // Where there is a single image, row or column, other orders look like these, which at other
  // batches and sizes are not.
  if (input.view || (input.fixed_size && order[0] == 0)) return rearrange(node, input, axes);
  const bool keeps = std::ranges::is_sorted(order);
  const bool turns = std::ranges::equal(order, input.channels_first ? kToNhwc : kToNchw);
  if (!keeps && !turns) return define_view(node, input, axes);
  alias(node, input, map_axes(input).dims());
  if (keeps == input.channels_first) set_channels_first(values_[node.outputs[0]], node.index);
}

bool GraphReader::turns_padded(const OpNode& node, std::span<const int> order) {
  Value input = value(node, 0);
  const auto& turn = input.channels_first ? kToNhwc : kToNchw;
  if (!input.pad || input.view || !std::ranges::equal(order, turn)) return false;
  std::vector<int> dims;
  for (const int axis : order) dims.push_back(input.dims[axis]);
  input.channels_first = !input.channels_first;
  input.viewer = node.index;
  input.dims = std::move(dims);
  values_[node.outputs[0]] = std::move(input);
  return true;
}

// Rows or columns repeated, as Keras's UpSampling2D comes out of the converter: a RESHAPE puts an
// axis of 1 behind them, this repeats it, and the next RESHAPE joins the two.
void GraphReader::add_tile(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  const std::vector<int> times = constant_ints(node, 1);
  if (input.dims.size() != 5 || times.size() != 5) throw Declined(node.index, "rank");
  const Shape from = shape_of(input);
  const int axis = times[2] != 1 ? 2 : 3;
  std::vector<int> expected(5, 1);
  expected[axis] = times[axis];
  std::vector<int> unfolded = {input.batch, from.height, from.width, from.channels};
  unfolded.insert(unfolded.begin() + axis, 1);
  if (times != expected || input.dims != unfolded || !input.view->in_order(map_axes(input))) {
    throw Declined(node.index, "axes");
  }
  const int row_times = axis == 2 ? times[axis] : 1, column_times = axis == 3 ? times[axis] : 1;
  const int most = kMostCells / std::max(from.height, from.width);
  if (times[axis] < 1 || times[axis] > most) throw Declined(node.index, "size");
  std::vector<int> dims = input.dims;
  dims[axis] = times[axis];
  Value& output = define_moved(
      node, input, {from.channels, from.height * row_times, from.width * column_times}, dims);
  output.view = map_axes(output).reshaped(dims);
  output.viewer = node.index;
  Resize resize{.input = input.id,
                .output = output.id,
                .rows = each_repeated(from.height, row_times),
                .columns = each_repeated(from.width, column_times)};
  push(node, std::move(resize));
}

}  // namespace patternlite::tflite
