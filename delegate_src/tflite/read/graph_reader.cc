#include "tflite/read/graph_reader.h"

#include <algorithm>
#include <utility>

#include "engine/graph/activation.h"
#include "engine/graph/visit.h"

namespace patternlite::tflite {

bool has_open_size(const TfLiteTensor& tensor) {
  if (!tensor.dims_signature || !tensor.dims) return false;
  const auto signature = items(tensor.dims_signature), dims = items(tensor.dims);
  const auto open = [&](int axis) { return signature[axis] == -1 && dims[axis] == 1; };
  return signature.size() == 4 && dims.size() == 4 && (open(1) || open(2));
}

PartitionGraph GraphReader::finish(std::span<const int> outputs) && {
  PartitionGraph partition;
  std::map<TensorId, int> aliases;  // of what is already an input or output, the RESHAPE or -1
  for (const TensorId input : graph_.inputs) aliases.emplace(input, -1);
  for (const int output : outputs) {
    const auto numbers = numbers_.find(output);
    if (numbers != numbers_.end()) throw Declined(numbers->second.node, "not-only-a-shape");
    const Value value = padded_value(output);
    if (value.norm) throw Declined(value.norm->node, "part-of-a-norm");
    if (value.flattener >= 0) throw Declined(value.flattener, "reshape");
    if (value.view || value.channels_first) throw Declined(value.viewer, "rearranged");
    // The engine writes each output once: another name for it stays with the runtime.
    const auto [first, is_new] = aliases.emplace(value.id, value.alias_node);
    if (!is_new) throw Declined(std::max(first->second, value.alias_node), "only-renames");
    graph_.outputs.push_back(value.id);
    partition.outputs.push_back(output);
    partition.output_dims.push_back(value.dims);
    partition.output_batches.push_back(value.batch);
  }
  // Means that only norms read, which compute their own.
  std::erase_if(graph_.nodes, [this](const Node& node) {
    return std::holds_alternative<Pooling>(node.op) && readers(graph_, output_of(node.op)) == 0;
  });
  const std::vector<TensorId> ids = std::exchange(graph_.inputs, {});
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (readers(graph_, ids[i]) == 0) {
      partition.measured.push_back(inputs_[i]);
      continue;
    }
    graph_.inputs.push_back(ids[i]);
    partition.inputs.push_back(inputs_[i]);
    partition.input_batches.push_back(values_.at(inputs_[i]).batch);
  }
  if (!partition.inputs.empty()) {
    const auto [least, most] = std::ranges::minmax(partition.input_batches);
    // An empty batch has no image to go with another's.
    if (least == 0 && most > 0) throw Declined(-1, "dynamic-shape");
    partition.batch = most;
  }
  partition.size_is_open = size_is_open_;
  partition.is_runnable = is_runnable_;
  partition.graph = std::move(graph_);
  partition.convolution_nodes = std::move(convolution_nodes_);
  return partition;
}

// Who reads its constant finds it decoded.
void GraphReader::add_constant_decoder(const OpNode& node) {
  if (!constants_.is_decoded(node.outputs[0])) throw Declined(node.index, "unsupported-op");
  decoders_[node.outputs[0]] = node.index;
}

GraphReader::Value GraphReader::value(const OpNode& node, int input) {
  const int index = node.inputs[input];
  if (const auto found = values_.find(index); found != values_.end()) return found->second;

  if (const auto decoder = decoders_.find(index); decoder != decoders_.end()) {
    throw Declined(decoder->second, "not-only-weights");
  }
  const TfLiteTensor& source = tensor(index);
  require_type(node, source, kTfLiteFloat32);
  if (source.allocation_type == kTfLiteMmapRo) throw Declined(node.index, "constant-operand");
  // The runtime does not keep us behind the operator that writes it.
  if (source.is_variable) throw Declined(node.index, "variable");
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
  size_is_open_ |= has_open_size(source);
  graph_.inputs.push_back(made.id);
  inputs_.push_back(index);
  values_.emplace(index, made);
  return made;
}

GraphReader::Value GraphReader::unpadded_value(const OpNode& node, int input) {
  Value operand = value(node, input);
  if (operand.norm) throw Declined(operand.norm->node, "part-of-a-norm");
  if (operand.pad) operand = padded_value(node.inputs[input]);
  const bool multiplies_rows = node.builtin_code == kTfLiteBuiltinFullyConnected;
  const bool reshapes = node.builtin_code == kTfLiteBuiltinReshape;
  if (operand.flattener >= 0 && !multiplies_rows && !reshapes) {
    throw Declined(operand.flattener, "reshape");
  }
  if (!reads_axes_of(node, operand)) throw Declined(operand.viewer, "rearranged");
  return operand;
}

GraphReader::Value GraphReader::map_value(const OpNode& node, int input) {
  Value operand = value(node, input);
  if (operand.view || operand.channels_first) throw Declined(operand.viewer, "rearranged");
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

const float* GraphReader::bias(const OpNode& node, size_t operand, int filters) const {
  const std::span<const float> data = constant(node, operand);
  if (data.data() && data.size() != static_cast<std::size_t>(filters)) {
    throw Declined(node.index, "bias-shape");
  }
  return data.data();
}

std::span<const float> GraphReader::constant(const OpNode& node, size_t input) const {
  if (input >= node.inputs.size() || node.inputs[input] < 0) return {};
  return constants_.floats(node, node.inputs[input]);
}

bool GraphReader::is_constant_operand(const OpNode& node, size_t operand) const {
  const int index = node.inputs[operand];
  return index >= 0 && (is_constant(tensor(index)) || constants_.is_decoded(index));
}

std::vector<float> GraphReader::channel_constants(const OpNode& node, const Value& input,
                                                  size_t operand) const {
  const std::span<const float> data = constant(node, operand);
  const std::span<const int> dims = items(tensor(node.inputs[operand]).dims);
  const int channels = shape_of(input).channels;
  if (!data.data() || data.empty()) throw Declined(node.index, "dynamic-operand");
  if (dims.size() > input.dims.size()) throw Declined(node.index, "rank");
  if (data.size() == 1) return std::vector<float>(channels, data[0]);
  // Rows of whole maps have other constants for each position.
  const std::size_t axis = channel_axis(input), behind = input.dims.size() - axis;
  if (std::ssize(data) != channels || input.dims[axis] != channels || dims.size() < behind ||
      dims[dims.size() - behind] != channels) {
    throw Declined(node.index, "broadcast");
  }
  return {data.begin(), data.end()};
}

std::vector<int> GraphReader::constant_ints(const OpNode& node, size_t input) const {
  if (node.inputs[input] < 0) throw Declined(node.index, "dynamic-shape");
  if (const auto found = numbers_.find(node.inputs[input]); found != numbers_.end()) {
    std::vector<int> numbers;
    for (const std::optional<int>& number : found->second.known) {
      if (!number) throw Declined(node.index, "dynamic-shape");
      numbers.push_back(*number);
    }
    return numbers;
  }
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

int GraphReader::cells_or_one(const OpNode& node, const Value& value, int count) {
  if (count > 0) return count;
  if (!size_is_open_ || value.fixed_size) throw Declined(node.index, "empty-output");
  is_runnable_ = false;
  return 1;
}

GraphReader::Value& GraphReader::define(const OpNode& node, const Value& source, const Shape& shape,
                                        std::vector<int> dims, Activation activation, int output) {
  require_type(node, tensor(node.outputs[output]), kTfLiteFloat32);
  if (shape.channels < 1 || shape.height < 1 || shape.width < 1) {
    throw Declined(node.index, "empty-output");
  }
  Value made{.id = graph_.add_tensor(shape),
             .batch = source.batch,
             .dims = std::move(dims),
             .fixed_size = source.fixed_size,
             .non_negative = clamp_of(activation).low == 0};
  if (source.channels_first) set_channels_first(made, source.viewer);
  return values_[node.outputs[output]] = std::move(made);
}

GraphReader::Value& GraphReader::define_moved(const OpNode& node, const Value& source,
                                              const Shape& shape, std::vector<int> dims,
                                              int output) {
  Value& made = define(node, source, shape, std::move(dims), Activation::kNone, output);
  made.non_negative = source.non_negative;
  return made;
}

void GraphReader::alias(const OpNode& node, const Value& source, std::vector<int> dims) {
  Value renamed = source;
  renamed.dims = std::move(dims);
  renamed.channels_first = false;
  renamed.view.reset();
  renamed.mean_of = -1;
  renamed.alias_node = node.index;
  values_[node.outputs[0]] = renamed;
}

}  // namespace patternlite::tflite
