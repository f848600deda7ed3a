// GraphReader's translation of the operators that move or rename data without computing any.
#include <algorithm>
#include <cmath>

#include "tflite/graph_reader.h"

namespace patternlite::tflite {
namespace {

// Which of `input` cells along one axis each of `output` cells shows. TFLite's rule, in its
// precision.
std::vector<int> nearest(int input, int output, const TfLiteResizeNearestNeighborParams& params) {
  const bool corners = params.align_corners && output > 1;
  const float scale = corners ? static_cast<float>(input - 1) / static_cast<float>(output - 1)
                              : static_cast<float>(input) / static_cast<float>(output);
  const float offset = params.half_pixel_centers ? 0.5f : 0.0f;
  std::vector<int> cells(output);
  for (int i = 0; i < output; ++i) {
    const float at = (static_cast<float>(i) + offset) * scale;
    const auto cell = static_cast<int>(params.align_corners ? std::round(at) : std::floor(at));
    cells[i] = std::clamp(cell, 0, input - 1);
  }
  return cells;
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
  // A map of other sizes is not read as another batch of such maps.
  if (dims != images && dims != positions && (dims != map || !input.fixed_size)) {
    throw Declined(node.index, "reshape");
  }
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
    // Flattened maps do not lie one after the other, channel by channel.
    if (params.axis != rank - 1 && params.axis != -1) throw Declined(node.index, "axes");
    if (rank == 2 && !is_vector(part)) throw Declined(node.index, "axes");
    if (i == 0) first = part, dims = part.dims, dims.back() = 0;
    dims.back() += part.dims.back();
    const std::vector<int> expected(dims.begin(), dims.end() - 1);
    if (!std::ranges::equal(expected, std::span(part.dims).first(rank - 1))) {
      throw Declined(node.index, "shapes");
    }
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
  if (std::ranges::any_of(size, [](int cells) { return cells < 1 || cells > 1 << 15; })) {
    throw Declined(node.index, "size");
  }
  const auto& params = node.params_as<TfLiteResizeNearestNeighborParams>();
  const Shape shape = shape_of(input);
  Value& output = define(node, input, {shape.channels, size[0], size[1]},
                         {input.batch, size[0], size[1], shape.channels}, Activation::kNone);
  output.non_negative = input.non_negative;
  output.fixed_size = true;
  Resize resize{.input = input.id,
                .output = output.id,
                .rows = nearest(shape.height, size[0], params),
                .columns = nearest(shape.width, size[1], params)};
  graph_.nodes.push_back({std::move(resize), name_of(context_, node)});
}

}  // namespace patternlite::tflite
