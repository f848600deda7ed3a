// GraphReader's translation of the operators that move or rename data without computing any.
#include <algorithm>
#include <cmath>

#include "tflite/graph_reader.h"

namespace patternlite::tflite {
namespace {

constexpr int kMostCells = 1 << 15;  // of a resized axis

float scale_of(int input, int output, const TfLiteResizeParams& params) {
  const bool corners = params.align_corners && output > 1;
  return corners ? static_cast<float>(input - 1) / static_cast<float>(output - 1)
                 : static_cast<float>(input) / static_cast<float>(output);
}

// Which of `input` cells along one axis each of `output` cells shows. TFLite's rule, in its
// precision, as that of blended() is.
std::vector<int> nearest(int input, int output, const TfLiteResizeParams& params) {
  const float scale = scale_of(input, output, params);
  const float offset = params.half_pixel_centers ? 0.5f : 0.0f;
  std::vector<int> cells(output);
  for (int i = 0; i < output; ++i) {
    const float at = (static_cast<float>(i) + offset) * scale;
    const auto cell = static_cast<int>(params.align_corners ? std::round(at) : std::floor(at));
    cells[i] = std::clamp(cell, 0, input - 1);
  }
  return cells;
}

std::vector<Blend> blended(int input, int output, const TfLiteResizeParams& params) {
  const float scale = scale_of(input, output, params);
  const float offset = params.half_pixel_centers ? 0.5f : 0.0f;
  std::vector<Blend> cells(output);
  for (int i = 0; i < output; ++i) {
    const float at = std::max(0.0f, (static_cast<float>(i) + offset) * scale - offset);
    const int first = std::min(static_cast<int>(at), input - 1);
    cells[i] = {first, std::min(first + 1, input - 1), at - static_cast<float>(first)};
  }
  return cells;
}

std::vector<int> repeated_cells(int cells, int times) {
  std::vector<int> repeated(static_cast<std::size_t>(cells) * times);
  for (std::size_t i = 0; i < repeated.size(); ++i) repeated[i] = static_cast<int>(i) / times;
  return repeated;
}

// A map's shape with an axis more.
std::vector<int> unfolded(std::vector<int> map, int axis) {
  map.insert(map.begin() + axis, 1);
  return map;
}

}  // namespace

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
  const auto elements = static_cast<std::int64_t>(shape.elements()) * input.batch;
  const bool counts_rows = !dims.empty() && dims[0] < 0;
  std::int64_t known = 1;
  for (const int size : dims) known *= size < 0 ? 1 : size;
  for (int& size : dims) {
    if (size < 0 && known > 0) size = static_cast<int>(elements / known);
  }
  const int per_image = static_cast<int>(shape.elements());
  const std::vector<int> images = {input.batch, per_image};
  const std::vector<int> positions = {input.batch * shape.height * shape.width, shape.channels};
  const std::vector<int> map = {input.batch, shape.height, shape.width, shape.channels};
  const bool flattens = dims == images || dims == positions;
  // A map of other sizes is not read as another batch of such maps.
  const bool keeps_maps = input.fixed_size || (input.dims.size() == 5 && !counts_rows);
  const bool folds = dims == map && keeps_maps;
  const bool unfolds = dims.size() == 5 && (input.fixed_size || !counts_rows) &&
                       (dims == unfolded(map, 2) || dims == unfolded(map, 3));
  if (!flattens && !folds && !unfolds) throw Declined(node.index, "reshape");
  alias(node, input, dims);
  // At other sizes, its rows are parts of maps or hold several.
  if (counts_rows && dims != positions && !input.fixed_size) {
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

// Who reads its constant finds it expanded.
void GraphReader::add_expander(const OpNode& node) {
  if (!constants_.is_expanded(node.outputs[0])) throw Declined(node.index, "unsupported-op");
  expanders_[node.outputs[0]] = node.index;
}

// onnx2tf puts a pair of them around some concatenations.
void GraphReader::add_transpose(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  const bool is_back = input.transposer >= 0;
  const std::vector<int> order = is_back ? std::vector<int>{0, 2, 3, 1} : std::vector{0, 3, 1, 2};
  if (input.dims.size() != 4 || constant_ints(node, 1) != order) {
    throw Declined(node.index, "transpose");
  }
  std::vector<int> dims;
  for (const int axis : order) dims.push_back(input.dims[axis]);
  alias(node, input, dims);
  values_[node.outputs[0]].transposer = is_back ? -1 : node.index;
}

void GraphReader::add_concatenation(const OpNode& node) {
  const auto& params = node.params_as<TfLiteConcatenationParams>();
  if (params.activation != kTfLiteActNone) throw Declined(node.index, "activation");
  Concatenation concatenation;
  Value first;
  Shape whole;
  std::vector<int> dims;
  bool non_negative = true, fixed_size = false;
  for (int i = 0; i < static_cast<int>(node.inputs.size()); ++i) {
    const Value part = unpadded_value(node, i);
    const Shape shape = shape_of(part);
    const int rank = static_cast<int>(part.dims.size());
    const int channels = part.transposer < 0 ? rank - 1 : 1;
    // Flattened maps do not lie one after the other, channel by channel.
    if (params.axis != channels && params.axis != channels - rank) {
      throw Declined(node.index, "axes");
    }
    if (rank == 2 && !is_vector(part)) throw Declined(node.index, "axes");
    if (i == 0) first = part, dims = part.dims, dims[channels] = 0;
    std::vector<int> expected = part.dims;
    expected[channels] = dims[channels];
    if (dims != expected || (part.transposer < 0) != (first.transposer < 0)) {
      throw Declined(node.index, "shapes");
    }
    dims[channels] += shape.channels;
    whole = {whole.channels + shape.channels, shape.height, shape.width};
    non_negative &= part.non_negative;
    fixed_size |= part.fixed_size;  // then all are as large as this one
    concatenation.inputs.push_back(part.id);
  }
  Value& output = define(node, first, whole, dims, Activation::kNone);
  output.non_negative = non_negative;
  output.fixed_size = fixed_size;
  if (first.transposer >= 0) output.transposer = node.index;
  concatenation.output = output.id;
  graph_.nodes.push_back({std::move(concatenation), name_of(context_, node)});
}

void GraphReader::add_resize(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  const std::vector<int> size = constant_ints(node, 1);
  if (input.dims.size() != 4 || size.size() != 2) throw Declined(node.index, "rank");
  if (std::ranges::any_of(size, [](int cells) { return cells < 1 || cells > kMostCells; })) {
    throw Declined(node.index, "size");
  }
  const auto& params = node.params_as<TfLiteResizeParams>();
  const Shape shape = shape_of(input);
  Value& output = define(node, input, {shape.channels, size[0], size[1]},
                         {input.batch, size[0], size[1], shape.channels}, Activation::kNone);
  output.non_negative = input.non_negative;
  output.fixed_size = true;
  const auto resize = [&]() -> Operator {
    if (node.builtin_code == kTfLiteBuiltinResizeBilinear) {
      return BilinearResize{input.id, output.id, blended(shape.height, size[0], params),
                            blended(shape.width, size[1], params)};
    }
    return Resize{input.id, output.id, nearest(shape.height, size[0], params),
                  nearest(shape.width, size[1], params)};
  };
  graph_.nodes.push_back({resize(), name_of(context_, node)});
}

// Rows or columns repeated, as Keras's UpSampling2D comes out of the converter: a RESHAPE puts an
// axis of 1 behind them, this repeats it, and the next RESHAPE joins the two.
void GraphReader::add_tile(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  const std::vector<int> times = constant_ints(node, 1);
  if (input.dims.size() != 5 || times.size() != 5) throw Declined(node.index, "rank");
  const int axis = times[2] != 1 ? 2 : 3;
  std::vector<int> expected(5, 1);
  expected[axis] = times[axis];
  if (times != expected || input.dims[axis] != 1) throw Declined(node.index, "axes");
  const Shape from = shape_of(input);
  const int row_times = axis == 2 ? times[axis] : 1, column_times = axis == 3 ? times[axis] : 1;
  const int most = kMostCells / std::max(from.height, from.width);
  if (times[axis] < 1 || times[axis] > most) throw Declined(node.index, "size");
  std::vector<int> dims = input.dims;
  dims[axis] = times[axis];
  Value& output =
      define(node, input, {from.channels, from.height * row_times, from.width * column_times}, dims,
             Activation::kNone);
  output.non_negative = input.non_negative;
  Resize resize{.input = input.id,
                .output = output.id,
                .rows = repeated_cells(from.height, row_times),
                .columns = repeated_cells(from.width, column_times)};
  graph_.nodes.push_back({std::move(resize), name_of(context_, node)});
}

}  // namespace patternlite::tflite
