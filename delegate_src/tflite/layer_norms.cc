// GraphReader's translation of layer normalisation over channels, which TensorFlow's converter
// writes in ten operators:
//
//   mean = MEAN(x), variance = MEAN(SQUARED_DIFFERENCE(x, mean)),
//   factor = MUL(RSQRT(ADD(variance, epsilon)), scales),
//   ADD(MUL(x, factor), SUB(shifts, MUL(mean, factor)))
//
// Keras has it add MUL(NEG(mean), factor), and the shifts to that if there are any.
//
// What all but the last one make, none but the next ones can read.
#include <algorithm>
#include <functional>
#include <utility>

#include "tflite/graph_reader.h"
#include "tflite/parameters.h"

namespace patternlite::tflite {

using Part = LayerNorm::Part;

bool GraphReader::means_channels(const OpNode& node, const Value& input) const {
  std::vector<int> axes = constant_ints(node, 1);
  const auto rank = static_cast<int>(input.dims.size());
  for (int& axis : axes) axis += axis < 0 ? rank : 0;
  const std::size_t channels = channel_axis(input);
  return axes == std::vector{static_cast<int>(channels)} &&
         input.dims[channels] == shape_of(input).channels;
}

void GraphReader::define_norm(const OpNode& node, const Value& source, LayerNorm norm) {
  require_type(node, tensor(node.outputs[0]), kTfLiteFloat32);
  Value made = source;
  made.norm = std::move(norm);
  made.norm->node = node.index;
  values_[node.outputs[0]] = std::move(made);
}

void GraphReader::begin_norm(const OpNode& node, const Value& input) {
  if (!node.params_as<TfLiteReducerParams>().keep_dims) throw Declined(node.index, "axes");
  define_norm(node, input, {.part = Part::kMean});
}

bool GraphReader::continues_norm(const OpNode& node) {
  const auto part_of_norm = [&](std::size_t operand) -> const Value* {
    const auto found =
        operand < node.inputs.size() ? values_.find(node.inputs[operand]) : values_.end();
    return found != values_.end() && found->second.norm ? &found->second : nullptr;
  };
  std::size_t operand = 0;
  const Value *part = part_of_norm(0), *earlier = part_of_norm(1);
  if (!part && !earlier) return false;
  if (!part || (earlier && earlier->norm->part > part->norm->part)) {
    std::swap(part, earlier);
    operand = 1;
  }
  const Value source = *part;  // but for the norm: parts have their source's shape here
  LayerNorm norm = *source.norm;
  const Declined declined(norm.node, "part-of-a-norm");
  if (earlier && earlier->id != source.id) throw declined;
  const bool computes = node.builtin_code == kTfLiteBuiltinAdd ||
                        node.builtin_code == kTfLiteBuiltinSub ||
                        node.builtin_code == kTfLiteBuiltinMul;
  if (computes && node.params_as<TfLiteArithmeticParams>().activation != kTfLiteActNone) {
    throw declined;
  }
  const std::size_t other = 1 - operand;
  const bool is_constant = !earlier && node.inputs.size() > 1 && is_constant_operand(node, other);
  const auto reads_source = [&] {
    const auto found = values_.find(node.inputs[other]);
    return !earlier && found != values_.end() && found->second.id == source.id;
  };
  const auto is = [&](int operation, Part wanted) {
    return node.builtin_code == operation && norm.part == wanted;
  };
  const auto joins = [&](Part wanted) { return earlier && earlier->norm->part == wanted; };

  if (is(kTfLiteBuiltinAdd, Part::kShift) && joins(Part::kScaled)) {
    const LayerNorm& scaled = *earlier->norm;
    if (scaled.scales != norm.scales || scaled.epsilon != norm.epsilon) throw declined;
    finish_norm(node, source);
    return true;
  }
  if (is(kTfLiteBuiltinSquaredDifference, Part::kMean) && reads_source()) {
    norm.part = Part::kSquares;
  } else if (is(kTfLiteBuiltinNeg, Part::kMean)) {
    norm.part = Part::kNegatedMean;
  } else if (is(kTfLiteBuiltinMean, Part::kSquares) && means_channels(node, source) &&
             node.params_as<TfLiteReducerParams>().keep_dims) {
    norm.part = Part::kVariance;
  } else if (is(kTfLiteBuiltinAdd, Part::kVariance) && is_constant && norm.epsilon == 0) {
    const std::span<const float> epsilon = constant(node, other);
    if (epsilon.size() != 1) throw declined;
    norm.epsilon = epsilon[0];
  } else if (is(kTfLiteBuiltinRsqrt, Part::kVariance)) {
    norm.part = Part::kFactor;
  } else if (is(kTfLiteBuiltinMul, Part::kFactor) && is_constant && norm.scales.empty()) {
    norm.scales = channel_constants(node, source, other);
  } else if (is(kTfLiteBuiltinMul, Part::kFactor) && joins(Part::kMean)) {
    norm.part = Part::kScaledMean;
  } else if (is(kTfLiteBuiltinMul, Part::kFactor) && joins(Part::kNegatedMean)) {
    norm.part = Part::kShift;
    norm.shifts.assign(shape_of(source).channels, 0);
  } else if (is(kTfLiteBuiltinAdd, Part::kShift) && is_constant) {
    const std::vector<float> more = channel_constants(node, source, other);
    std::ranges::transform(norm.shifts, more, norm.shifts.begin(), std::plus());
  } else if (is(kTfLiteBuiltinMul, Part::kFactor) && reads_source()) {
    norm.part = Part::kScaled;
  } else if (is(kTfLiteBuiltinSub, Part::kScaledMean) && is_constant && operand == 1) {
    norm.part = Part::kShift;
    norm.shifts = channel_constants(node, source, other);
  } else {
    throw declined;
  }
  define_norm(node, source, std::move(norm));
  return true;
}

void GraphReader::finish_norm(const OpNode& node, Value source) {
  LayerNorm norm = *std::exchange(source.norm, std::nullopt);
  if (norm.scales.empty()) norm.scales.assign(shape_of(source).channels, 1);
  const Value& output = define(node, source, shape_of(source), source.dims, Activation::kNone);
  graph_.nodes.push_back({ChannelNorm{source.id, output.id, std::move(norm.scales),
                                      std::move(norm.shifts), norm.epsilon},
                          name_of(context_, node)});
}

}  // namespace patternlite::tflite
