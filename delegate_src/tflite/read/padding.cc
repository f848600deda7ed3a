// GraphReader's translation of the operators that put cells around a map.
#include <algorithm>
#include <utility>

#include "tflite/read/graph_reader.h"

namespace patternlite::tflite {
namespace {

// An axis with so many cells more before and behind it, as a mirror shows them; or the last ones,
// if it shows fewer.
std::vector<int> mirrored(int cells, int before, int behind, bool repeats_edge) {
  std::vector<int> all;
  const int first = repeats_edge ? -1 : 0;  // what cell 0 is mirrored to
  for (int i = -before; i < cells + behind; ++i) {
    const int shown = i < 0 ? first - i : i < cells ? i : 2 * (cells - 1) - first - i;
    all.push_back(std::clamp(shown, 0, cells - 1));
  }
  return all;
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

GraphReader::Value GraphReader::padded_value(int tensor) {
  Value& value = values_.at(tensor);
  if (!value.pad) return value;
  const Pad pad = *std::exchange(value.pad, std::nullopt);
  if (pad.fill != 0) throw Declined(pad.node, "pad-not-foldable");
  const Shape from = shape_of(value);
  const TensorId padded = graph_.add_tensor(
      {from.channels, from.height + pad.top + pad.bottom, from.width + pad.left + pad.right});
  graph_.nodes.push_back(
      {Padding{std::exchange(value.id, padded), padded, pad.top, pad.left, pad.bottom, pad.right},
       context_.tensors[tensor].name ? context_.tensors[tensor].name : ""});
  return value;
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
    if (!size_is_open_ || input.fixed_size) throw Declined(node.index, "pad-amount");
    is_runnable_ = false;
  }
  std::vector<int> rows = mirrored(shape.height, pad.top, pad.bottom, repeats_edge);
  std::vector<int> columns = mirrored(shape.width, pad.left, pad.right, repeats_edge);
  const Shape padded{shape.channels, static_cast<int>(rows.size()),
                     static_cast<int>(columns.size())};
  const Value& output = define_moved(node, input, padded,
                                     {input.batch, padded.height, padded.width, padded.channels});
  push(node, Resize{input.id, output.id, std::move(rows), std::move(columns)});
}

}  // namespace patternlite::tflite
