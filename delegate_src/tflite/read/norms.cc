// GraphReader's translation of layer and instance normalisation, for which TFLite has no operators.
// Converters write one of
//
//   mean = MEAN(x), variance = MEAN(SQUARED_DIFFERENCE(x, mean)),
//   factor = MUL(RSQRT(ADD(variance, epsilon)), scales),
//   ADD(MUL(x, factor), SUB(shifts, MUL(mean, factor))),
//
// in which Keras has MUL(NEG(mean), factor), with or without shifts added, and
//
//   differences = SUB(x, mean), variance = MEAN(MUL(differences, differences)),
//   MUL(differences, factor).
//
// What all but the last operator make, none but the next ones can read; but for means of positions,
// which are of use by themselves.
#include <algorithm>
#include <functional>
#include <utility>

#include "tflite/read/graph_reader.h"
#include "tflite/read/parameters.h"

namespace patternlite::tflite {

using Part = Norm::Part;

void GraphReader::define_norm(const OpNode& node, const Value& source, Norm norm) {
  require_type(node, tensor(node.outputs[0]), kTfLiteFloat32);
  Value made = source;
  made.norm = std::move(norm);
  made.norm->node = node.index;
  values_[node.outputs[0]] = std::move(made);
}

void GraphReader::begin_norm(const OpNode& node, const Value& input) {
  if (!node.params_as<TfLiteReducerParams>().keep_dims) throw Declined(node.index, "axes");
  define_norm(node, input, {.part = Part::kMean, .over = Norm::Over::kChannels});
}

std::optional<GraphReader::Value> GraphReader::part_of_norm(const OpNode& node,
                                                            std::size_t operand) const {
  if (operand >= node.inputs.size()) return std::nullopt;
  const auto found = values_.find(node.inputs[operand]);
  if (found == values_.end()) return std::nullopt;
  const Value& value = found->second;
  if (value.norm) return value;
  if (value.mean_of < 0 || node.inputs.size() != 2) return std::nullopt;
  const auto other = values_.find(node.inputs[1 - operand]);
  const bool of_other = node.inputs[1 - operand] == value.mean_of;
  const bool begins = of_other && (node.builtin_code == kTfLiteBuiltinSquaredDifference ||
                                   (node.builtin_code == kTfLiteBuiltinSub && operand == 1));
  if (!begins && (other == values_.end() || !other->second.norm)) return std::nullopt;
  Value mean = values_.at(value.mean_of);
  mean.norm = {.part = Part::kMean, .over = Norm::Over::kPositions, .node = node.index};
  return mean;
}

// What an operator reads of a norm.
struct GraphReader::NormOperands {
  Value source;  // the later part; but for the norm, since parts have their source's shape here
  std::optional<Value> earlier;  // the other operand, if it is a part, too
  std::size_t operand;           // which one the later part is
  bool by_source = false;        // the other operand is the source itself
  bool by_constant = false;      // or a constant

  Part part() const { return source.norm->part; }
  std::size_t other() const { return 1 - operand; }
  bool joins(Part wanted) const { return earlier && earlier->norm->part == wanted; }
  Declined declined() const { return {source.norm->node, "part-of-a-norm"}; }
};

std::optional<GraphReader::NormOperands> GraphReader::norm_operands(const OpNode& node) const {
  std::optional<Value> part = part_of_norm(node, 0), earlier = part_of_norm(node, 1);
  if (!part && !earlier) return std::nullopt;
  const bool second = !part || (earlier && earlier->norm->part > part->norm->part);
  if (second) std::swap(part, earlier);
  NormOperands read{.source = *part, .earlier = earlier, .operand = second};
  // The same map, which neither a PAD nor another order of its axes has changed.
  const auto is_source = [&](const Value& value) {
    return value.id == read.source.id && !value.pad && !value.view &&
           value.dims == read.source.dims && value.channels_first == read.source.channels_first;
  };
  if (earlier) {
    if (!is_source(*earlier) || earlier->norm->over != part->norm->over) throw read.declined();
  } else if (node.inputs.size() > 1) {
    const auto found = values_.find(node.inputs[read.other()]);
    read.by_source = found != values_.end() && is_source(found->second);
    read.by_constant = is_constant_operand(node, read.other());
  }
  return read;
}

bool GraphReader::continues_norm(const OpNode& node) {
  const std::optional<NormOperands> read = norm_operands(node);
  if (!read) return false;
  if (ends_norm(node, *read)) {
    finish_norm(node, read->source);
    return true;
  }
  const bool computes = node.builtin_code == kTfLiteBuiltinAdd ||
                        node.builtin_code == kTfLiteBuiltinSub ||
                        node.builtin_code == kTfLiteBuiltinMul;
  if (computes && node.params_as<TfLiteArithmeticParams>().activation != kTfLiteActNone) {
    throw read->declined();
  }
  define_norm(node, read->source, next_part(node, *read));
  return true;
}

bool GraphReader::ends_norm(const OpNode& node, const NormOperands& read) {
  if (node.builtin_code == kTfLiteBuiltinAdd && read.part() == Part::kShift &&
      read.joins(Part::kScaled)) {
    const Norm &shift = *read.source.norm, &scaled = *read.earlier->norm;
    if (scaled.scales != shift.scales || scaled.epsilon != shift.epsilon) throw read.declined();
    return true;
  }
  return node.builtin_code == kTfLiteBuiltinMul && read.part() == Part::kFactor &&
         read.joins(Part::kDifferences);
}

Norm GraphReader::next_part(const OpNode& node, const NormOperands& read) const {
  const Value& source = read.source;
  Norm norm = *source.norm;
  const auto is = [&](int operation, Part wanted) {
    return node.builtin_code == operation && norm.part == wanted;
  };
  if (is(kTfLiteBuiltinSquaredDifference, Part::kMean) && read.by_source) {
    norm.part = Part::kSquares;
  } else if (is(kTfLiteBuiltinSub, Part::kMean) && read.operand == 1 && read.by_source) {
    norm.part = Part::kDifferences;
  } else if (is(kTfLiteBuiltinMul, Part::kDifferences) && read.joins(Part::kDifferences)) {
    norm.part = Part::kSquares;
  } else if (is(kTfLiteBuiltinNeg, Part::kMean)) {
    norm.part = Part::kNegatedMean;
  } else if (is(kTfLiteBuiltinMean, Part::kSquares) && mean_over(node, source) == norm.over &&
             node.params_as<TfLiteReducerParams>().keep_dims) {
    norm.part = Part::kVariance;
  } else if (is(kTfLiteBuiltinAdd, Part::kVariance) && read.by_constant && norm.epsilon == 0) {
    const std::span<const float> epsilon = constant(node, read.other());
    if (epsilon.size() != 1) throw read.declined();
    norm.epsilon = epsilon[0];
  } else if (is(kTfLiteBuiltinRsqrt, Part::kVariance)) {
    norm.part = Part::kFactor;
  } else if (is(kTfLiteBuiltinMul, Part::kFactor) && read.by_constant && norm.scales.empty()) {
    norm.scales = channel_constants(node, source, read.other());
  } else if (is(kTfLiteBuiltinMul, Part::kFactor) && read.joins(Part::kMean)) {
    norm.part = Part::kScaledMean;
  } else if (is(kTfLiteBuiltinMul, Part::kFactor) && read.joins(Part::kNegatedMean)) {
    norm.part = Part::kShift;
    norm.shifts.assign(shape_of(source).channels, 0);
  } else if (is(kTfLiteBuiltinMul, Part::kFactor) && read.by_source) {
    norm.part = Part::kScaled;
  } else if (is(kTfLiteBuiltinSub, Part::kScaledMean) && read.by_constant && read.operand == 1) {
    norm.part = Part::kShift;
    norm.shifts = channel_constants(node, source, read.other());
  } else if (is(kTfLiteBuiltinAdd, Part::kShift) && read.by_constant) {
    const std::vector<float> more = channel_constants(node, source, read.other());
    std::ranges::transform(norm.shifts, more, norm.shifts.begin(), std::plus());
  } else {
    throw read.declined();
  }
  return norm;
}

void GraphReader::finish_norm(const OpNode& node, Value source) {
  Norm norm = *std::exchange(source.norm, std::nullopt);
  const auto channels = static_cast<std::size_t>(shape_of(source).channels);
  if (norm.scales.empty()) norm.scales.assign(channels, 1);
  norm.shifts.resize(channels);
  const Activation activation =
      read_activation(node, node.params_as<TfLiteArithmeticParams>().activation);
  const TensorId output = define(node, source, activation).id;
  const bool is_last = activation == Activation::kNone;
  const TensorId normed = is_last ? output : graph_.add_tensor(shape_of(source));
  const auto finish = [&](auto op) {
    op.input = source.id;
    op.output = normed;
    op.scales = std::move(norm.scales);
    op.shifts = std::move(norm.shifts);
    op.epsilon = norm.epsilon;
    push(node, std::move(op));
  };
  norm.over == Norm::Over::kChannels ? finish(ChannelNorm{}) : finish(InstanceNorm{});
  if (!is_last) push(node, ActivationOp{normed, output, activation});
}

}  // namespace patternlite::tflite
