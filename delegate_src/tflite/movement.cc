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

// An axis with so many cells more before and behind it, as a mirror shows them.
std::vector<int> mirrored(int cells, int before, int behind, bool repeats_edge) {
  std::vector<int> all;
  const int first = repeats_edge ? -1 : 0;  // what cell 0 is mirrored to
  for (int i = -before; i < cells + behind; ++i) {
    all.push_back(i < 0 ? first - i : i < cells ? i : 2 * (cells - 1) - first - i);
  }
  return all;
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

}  // namespace

GraphReader::Pad GraphReader::read_pad(const OpNode& node, const Value& input) const {
  const std::vector<int> amounts = constant_ints(node, 1);  // [rank][before, after]
  if (input.dims.size() != 4 || amounts.size() != 8) throw Declined(node.index, "rank");
  const std::size_t channels = 2 * channel_axis(input);
  const std::size_t rows = 2 * rows_axis(input), columns = rows + 2;
  if (amounts[0] || amounts[1] || amounts[channels] || amounts[channels + 1]) {
    throw Declined(node.index, "axes");
  }
  if (std::ranges::any_of(amounts, [](int amount) { return amount < 0 || amount > 4096; })) {
    throw Declined(node.index, "pad-amount");
  }
  return {.node = node.index,
          .top = amounts[rows],
          .left = amounts[columns],
          .bottom = amounts[rows + 1],
          .right = amounts[columns + 1]};
}

void GraphReader::add_pad(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  const std::span<const float> fill = constant(node, 2);
  Pad pad = read_pad(node, input);
  if (!fill.empty()) pad.fill = fill[0];
  Value padded = input;
  const std::size_t rows = rows_axis(input);
  padded.dims[rows] += pad.top + pad.bottom;
  padded.dims[rows + 1] += pad.left + pad.right;
  padded.pad = pad;
  padded.mean_of = -1;
  values_[node.outputs[0]] = std::move(padded);
}

void GraphReader::add_mirror_pad(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  const auto mode = node.params_as<TfLiteMirrorPaddingParams>().mode;
  if (mode != kTfLiteMirrorReflect && mode != kTfLiteMirrorSymmetric) {
    throw Declined(node.index, "pad-mode");
  }
  const bool repeats_edge = mode == kTfLiteMirrorSymmetric;
  const Pad pad = read_pad(node, input);
  const Shape shape = shape_of(input);
  const int rows_left = shape.height - !repeats_edge, columns_left = shape.width - !repeats_edge;
  if (std::max(pad.top, pad.bottom) > rows_left || std::max(pad.left, pad.right) > columns_left) {
    throw Declined(node.index, "pad-amount");
  }
  std::vector<int> rows = mirrored(shape.height, pad.top, pad.bottom, repeats_edge);
  std::vector<int> columns = mirrored(shape.width, pad.left, pad.right, repeats_edge);
  const Shape padded{shape.channels, static_cast<int>(rows.size()),
                     static_cast<int>(columns.size())};
  Value& output =
      define(node, input, padded, {input.batch, padded.height, padded.width, padded.channels},
             Activation::kNone);
  output.non_negative = input.non_negative;
  graph_.nodes.push_back(
      {Resize{input.id, output.id, std::move(rows), std::move(columns)}, name_of(context_, node)});
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
    const int channels = static_cast<int>(channel_axis(part));
    // Flattened maps do not lie one after the other, channel by channel.
    if (params.axis != channels && params.axis != channels - rank) {
      throw Declined(node.index, "axes");
    }
    if (rank == 2 && !is_vector(part)) throw Declined(node.index, "axes");
    if (i == 0) first = part, dims = part.dims, dims[channels] = 0;
    std::vector<int> expected = part.dims;
    expected[channels] = dims[channels];
    if (dims != expected || part.channels_first != first.channels_first) {
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

}  // namespace patternlite::tflite
