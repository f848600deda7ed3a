// GraphReader's translation of arithmetic, of two maps or of a map and constants.
#include <algorithm>
#include <utility>

#include "engine/graph/scaling.h"
#include "engine/support/counted.h"
#include "tflite/read/graph_reader.h"
#include "tflite/read/parameters.h"

namespace patternlite::tflite {
namespace {

ArithmeticKind kind_of(const OpNode& node) {
  switch (node.builtin_code) {
    case kTfLiteBuiltinSub:
      return ArithmeticKind::kSubtract;
    case kTfLiteBuiltinMul:
      return ArithmeticKind::kMultiply;
    case kTfLiteBuiltinDiv:
      return ArithmeticKind::kDivide;
    default:
      return ArithmeticKind::kAdd;
  }
}

}  // namespace

GraphReader::Operands GraphReader::broadcast(const OpNode& node) {
  Value a = unpadded_value(node, 0), b = unpadded_value(node, 1);
  // Flattened maps of other sizes may be as long, one as the other.
  if (a.dims.size() == 2 && (!is_vector(a) || !is_vector(b))) {
    throw Declined(node.index, "broadcast");
  }
  if (a.dims.size() != b.dims.size() || a.channels_first != b.channels_first) {
    throw Declined(node.index, "broadcast");
  }
  const int channels = std::max(shape_of(a).channels, shape_of(b).channels);
  for (Value* operand : {&a, &b}) {
    if (shape_of(*operand).channels == channels) continue;
    if (shape_of(*operand).channels != 1) throw Declined(node.index, "broadcast");
    operand->id = repeated_channels(node, *operand, channels);
    operand->dims[channel_axis(*operand)] = channels;
  }
  const Shape shape_a = shape_of(a), shape_b = shape_of(b);
  const Shape shape{shape_a.channels, std::max(shape_a.height, shape_b.height),
                    std::max(shape_a.width, shape_b.width)};
  std::vector<int> dims = a.dims;
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    if (dims[axis] == 1) dims[axis] = b.dims[axis];
    if (b.dims[axis] != 1 && b.dims[axis] != dims[axis]) throw Declined(node.index, "broadcast");
  }
  if (elements_of(dims) !=
      std::max(a.batch, b.batch) * static_cast<std::int64_t>(shape.elements())) {
    throw Declined(node.index, "broadcast");
  }
  return {a, b, shape, std::move(dims)};
}

GraphReader::Value& GraphReader::define(const OpNode& node, const Operands& operands,
                                        Activation activation) {
  const auto& [a, b, shape, dims] = operands;
  Value source = a;  // whose batch the dims of NCHW begin with
  source.batch = std::max(a.batch, b.batch);
  source.fixed_size = a.fixed_size && b.fixed_size;
  return define(node, source, shape, dims, activation);
}

void GraphReader::add_arithmetic(const OpNode& node) {
  for (const int operand : {0, 1}) {
    if (is_constant_operand(node, operand)) return add_scaling(node, operand);
  }
  if (node.builtin_code == kTfLiteBuiltinAdd) return add_addition(node);
  if (node.builtin_code == kTfLiteBuiltinMul) return add_multiplication(node);
  throw Declined(node.index, "no-constant");
}

void GraphReader::add_scaling(const OpNode& node, int constant) {
  const Value input = unpadded_value(node, 1 - constant);
  auto scaling = scaling_by(kind_of(node), channel_constants(node, input, constant), constant == 0);
  if (!scaling) throw Declined(node.index, "quotient");
  scaling->input = input.id;
  scaling->activation = read_activation(node, node.params_as<TfLiteArithmeticParams>().activation);
  scaling->output = define(node, input, scaling->activation).id;
  push(node, *std::move(scaling));
}

void GraphReader::add_addition(const OpNode& node) {
  const Operands operands = broadcast(node);
  const TensorId left = repeated(node, operands.a, operands.shape);
  const TensorId right = repeated(node, operands.b, operands.shape);
  const Activation activation =
      read_activation(node, node.params_as<TfLiteArithmeticParams>().activation);
  const Value& output = define(node, operands, activation);
  push(node, Addition{left, right, output.id, activation});
}

void GraphReader::add_multiplication(const OpNode& node) {
  const Operands operands = broadcast(node);
  Value a = operands.a, b = operands.b;
  const Shape& shape = operands.shape;
  const Shape one_each{shape.channels, 1, 1};
  if (shape_of(a) == one_each) std::swap(a, b);
  const TensorId left = repeated(node, a, shape);
  const TensorId right = shape_of(b) == one_each ? b.id : repeated(node, b, shape);
  const Activation activation =
      read_activation(node, node.params_as<TfLiteArithmeticParams>().activation);
  const Value& output = define(node, operands, activation);
  push(node, Multiplication{left, right, output.id, activation});
}

TensorId GraphReader::repeated(const OpNode& node, const Value& value, const Shape& shape) {
  const Shape& own = shape_of(value);
  if (own == shape) return value.id;
  const auto cells = [&](int from, int to) {
    if (from != 1 && from != to) throw Declined(node.index, "broadcast");
    return from == to ? counted(to) : each_repeated(1, to);
  };
  Resize resize{.input = value.id,
                .output = kNoTensor,
                .rows = cells(own.height, shape.height),
                .columns = cells(own.width, shape.width)};
  resize.output = graph_.add_tensor(shape);
  push(node, resize);
  return resize.output;
}

}  // namespace patternlite::tflite
