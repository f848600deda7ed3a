#include "tflite/graph_reader.h"

#include <algorithm>
#include <utility>

namespace patternlite::tflite {
namespace {

// That an operator cannot do without.
size_t operands(const OpNode& node) {
  switch (node.builtin_code) {
    case kTfLiteBuiltinConv2d:
    case kTfLiteBuiltinDepthwiseConv2d:
    case kTfLiteBuiltinFullyConnected:
    case kTfLiteBuiltinMean:
    case kTfLiteBuiltinAdd:
    case kTfLiteBuiltinMul:
    case kTfLiteBuiltinPad:
    case kTfLiteBuiltinPadV2:
    case kTfLiteBuiltinResizeBilinear:
    case kTfLiteBuiltinResizeNearestNeighbor:
    case kTfLiteBuiltinTile:
    case kTfLiteBuiltinTranspose:
      return 2;
    case kTfLiteBuiltinConcatenation:
      return node.inputs.size();
    default:
      return 1;
  }
}

}  // namespace

void GraphReader::add(const OpNode& node) {
  const auto missing = [](int tensor) { return tensor < 0; };
  if (node.inputs.size() < operands(node) || node.outputs.size() != 1 ||
      std::ranges::any_of(node.inputs.first(operands(node)), missing) || missing(node.outputs[0])) {
    throw Declined(node.index, "unsupported-op");
  }
  switch (node.builtin_code) {
    case kTfLiteBuiltinConv2d:
      return add_convolution(node);
    case kTfLiteBuiltinDepthwiseConv2d:
      return add_depthwise(node);
    case kTfLiteBuiltinFullyConnected:
      return add_fully_connected(node);
    case kTfLiteBuiltinMaxPool2d:
      return add_pooling(node, PoolMode::kMax);
    case kTfLiteBuiltinAveragePool2d:
      return add_pooling(node, PoolMode::kAverage);
    case kTfLiteBuiltinMean:
      return add_mean(node);
    case kTfLiteBuiltinAdd:
      return add_addition(node);
    case kTfLiteBuiltinMul:
      return add_multiplication(node);
    case kTfLiteBuiltinRelu:
      return add_activation(node, Activation::kRelu);
    case kTfLiteBuiltinRelu6:
      return add_activation(node, Activation::kRelu6);
    case kTfLiteBuiltinReluN1To1:
      return add_activation(node, Activation::kReluN1To1);
    case kTfLiteBuiltinLeakyRelu:
      return add_curve(node, Curve::kLeakyRelu, node.params_as<TfLiteLeakyReluParams>().alpha);
    case kTfLiteBuiltinHardSwish:
      return add_curve(node, Curve::kHardSwish);
    case kTfLiteBuiltinLogistic:
      return add_curve(node, Curve::kSigmoid);
    case kTfLiteBuiltinPad:
    case kTfLiteBuiltinPadV2:
      return add_pad(node);
    case kTfLiteBuiltinReshape:
      return add_reshape(node);
    case kTfLiteBuiltinSqueeze:
      return add_squeeze(node);
    case kTfLiteBuiltinDequantize:
    case kTfLiteBuiltinDensify:
      return add_expander(node);
    case kTfLiteBuiltinConcatenation:
      return add_concatenation(node);
    case kTfLiteBuiltinResizeBilinear:
    case kTfLiteBuiltinResizeNearestNeighbor:
      return add_resize(node);
    case kTfLiteBuiltinTile:
      return add_tile(node);
    case kTfLiteBuiltinTranspose:
      return add_transpose(node);
    case kTfLiteBuiltinSoftmax:
      return add_softmax(node);
    default:
      throw Declined(node.index, "unsupported-op");
  }
}

PartitionGraph GraphReader::finish(std::span<const int> outputs) && {
  PartitionGraph partition;
  std::map<TensorId, int> aliases;  // of what is already an input or output, the RESHAPE or -1
  for (const TensorId input : graph_.inputs) aliases.emplace(input, -1);
  for (const int output : outputs) {
    const Value& value = values_.at(output);
    if (value.pad) throw Declined(value.pad->node, "pad-not-foldable");
    if (value.flattener >= 0) throw Declined(value.flattener, "reshape");
    if (value.transposer >= 0) throw Declined(value.transposer, "transpose");
    // The engine writes each output once: another name for it stays with the runtime.
    const auto [first, is_new] = aliases.emplace(value.id, value.alias_node);
    if (!is_new) throw Declined(std::max(first->second, value.alias_node), "only-renames");
    graph_.outputs.push_back(value.id);
    partition.outputs.push_back(output);
    partition.output_dims.push_back(value.dims);
    partition.output_batches.push_back(value.batch);
  }
  for (const int input : inputs_) partition.input_batches.push_back(values_.at(input).batch);
  if (!inputs_.empty()) {
    const auto [least, most] = std::ranges::minmax(partition.input_batches);
    // An empty batch has no image to go with another's.
    if (least == 0 && most > 0) throw Declined(-1, "dynamic-shape");
    partition.batch = most;
  }
  partition.graph = std::move(graph_);
  partition.inputs = std::move(inputs_);
  partition.convolution_nodes = std::move(convolution_nodes_);
  return partition;
}

GraphReader::Value GraphReader::value(const OpNode& node, int input) {
  const int index = node.inputs[input];
  if (const auto found = values_.find(index); found != values_.end()) return found->second;

  if (const auto expander = expanders_.find(index); expander != expanders_.end()) {
    throw Declined(expander->second, "not-only-weights");
  }
  const TfLiteTensor& source = tensor(index);
  require_type(node, source, kTfLiteFloat32);
  if (source.allocation_type == kTfLiteMmapRo) throw Declined(node.index, "constant-operand");
  const std::span<const int> dims = items(source.dims);
  if (dims.size() != 4 && dims.size() != 2) throw Declined(node.index, "rank");
  if (dims[0] < 0 || std::ranges::any_of(dims.subspan(1), [](int size) { return size < 1; })) {
    throw Declined(node.index, "dynamic-shape");
  }
  const Shape shape = dims.size() == 4 ? Shape{dims[3], dims[1], dims[2]} : Shape{dims[1], 1, 1};
  const Value made{.id = graph_.add_tensor(shape),
                   .batch = dims[0],
                   .dims = {dims.begin(), dims.end()},
                   .fixed_size = dims.size() == 2};
  graph_.inputs.push_back(made.id);
  inputs_.push_back(index);
  values_.emplace(index, made);
  return made;
}

GraphReader::Value GraphReader::unpadded_value(const OpNode& node, int input) {
  Value operand = value(node, input);
  if (operand.pad) throw Declined(operand.pad->node, "pad-not-foldable");
  const bool multiplies_rows = node.builtin_code == kTfLiteBuiltinFullyConnected;
  const bool reshapes = node.builtin_code == kTfLiteBuiltinReshape;
  if (operand.flattener >= 0 && !multiplies_rows && !reshapes) {
    throw Declined(operand.flattener, "reshape");
  }
  const bool transposes = node.builtin_code == kTfLiteBuiltinTranspose ||
                          node.builtin_code == kTfLiteBuiltinConcatenation;
  if (operand.transposer >= 0 && !transposes) throw Declined(operand.transposer, "transpose");
  if (operand.dims.size() == 5 && !reshapes && node.builtin_code != kTfLiteBuiltinTile) {
    throw Declined(node.index, "rank");
  }
  return operand;
}

GraphReader::Value GraphReader::map_value(const OpNode& node, int input) {
  Value operand = value(node, input);
  if (operand.dims.size() != 4) throw Declined(node.index, "rank");
  return operand;
}

const float* GraphReader::weights(const OpNode& node) const {
  std::size_t elements = 1;
  for (const int size : items(tensor(node.inputs[1]).dims)) elements *= size;
  const std::span<const float> data = constant(node, 1);
  if (!data.data()) throw Declined(node.index, "dynamic-weights");
  if (data.size() != elements) throw Declined(node.index, "weights-shape");
  return data.data();
}

const float* GraphReader::bias(const OpNode& node, int filters) const {
  const std::span<const float> data = constant(node, 2);
  if (data.data() && data.size() != static_cast<std::size_t>(filters)) {
    throw Declined(node.index, "bias-shape");
  }
  return data.data();
}

std::span<const float> GraphReader::constant(const OpNode& node, size_t input) const {
  if (input >= node.inputs.size() || node.inputs[input] < 0) return {};
  return constants_.floats(node, node.inputs[input]);
}

std::vector<int> GraphReader::constant_ints(const OpNode& node, size_t input) const {
  const TfLiteTensor& source = tensor(node.inputs[input]);
  if (!is_constant(source)) throw Declined(node.index, "dynamic-shape");
  if (source.type == kTfLiteInt32) {
    return {source.data.i32, source.data.i32 + source.bytes / sizeof(int32_t)};
  }
  if (source.type == kTfLiteInt64) {
    return {source.data.i64, source.data.i64 + source.bytes / sizeof(int64_t)};
  }
  throw Declined(node.index, std::string("dtype-") + type_name(source.type));
}

GraphReader::Value& GraphReader::define(const OpNode& node, const Value& source, const Shape& shape,
                                        std::vector<int> dims, Activation activation) {
  require_type(node, tensor(node.outputs[0]), kTfLiteFloat32);
  if (shape.channels < 1 || shape.height < 1 || shape.width < 1) {
    throw Declined(node.index, "empty-output");
  }
  Value made{.id = graph_.add_tensor(shape),
             .batch = source.batch,
             .dims = std::move(dims),
             .fixed_size = source.fixed_size,
             .non_negative = activation == Activation::kRelu || activation == Activation::kRelu6};
  return values_[node.outputs[0]] = std::move(made);
}

void GraphReader::alias(const OpNode& node, const Value& source, std::vector<int> dims) {
  Value renamed = source;
  renamed.dims = std::move(dims);
  renamed.alias_node = node.index;
  values_[node.outputs[0]] = renamed;
}

}  // namespace patternlite::tflite
