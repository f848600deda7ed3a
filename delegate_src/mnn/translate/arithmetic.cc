#include "mnn/translate/arithmetic.h"

#include <algorithm>
#include <utility>

#include "engine/graph/scaling.h"
#include "mnn/abi/flat_table.h"
#include "mnn/translate/copied_box.h"

namespace patternlite::mnn {
namespace {

constexpr std::uint8_t kMainBinaryOp = 6, kMainEltwise = 14, kMainScale = 58, kMainLoop = 92;
constexpr int kBinaryKind = 4, kBinaryActivation = 8;
constexpr int kEltwiseKind = 4, kEltwiseFactors = 6;
constexpr int kScales = 6, kShifts = 8;
constexpr int kLoopInputs = 8, kLoopCount = 14, kLoopCommands = 16, kLoopFirst = 18;
constexpr int kCommandOp = 4, kCommandSize = 8, kCommandTensors = 10, kCommandViews = 12,
              kCommandFuse = 14, kCommandIterations = 16;
constexpr int kViewOffset = 4, kViewStrides = 6;

using Kind = ArithmeticKind;

struct Arithmetic {
  Kind kind;
  Activation activation = Activation::kNone;
};

std::optional<Arithmetic> read_eltwise(const FlatTable& eltwise) {
  constexpr int kProduct = 0, kSum = 1, kDifference = 3;
  if (!eltwise.vector<float>(kEltwiseFactors).empty()) return std::nullopt;
  switch (eltwise.scalar<std::int8_t>(kEltwiseKind, 0)) {
    case kProduct:
      return Arithmetic{Kind::kMultiply};
    case kSum:
      return Arithmetic{Kind::kAdd};
    case kDifference:
      return Arithmetic{Kind::kSubtract};
    default:
      return std::nullopt;
  }
}

std::optional<Arithmetic> read_binary(const FlatTable& binary) {
  constexpr int kSum = 0, kDifference = 1, kProduct = 2, kQuotient = 7;
  constexpr int kNoActivation = 0, kReluActivation = 1;
  const int named = binary.scalar<std::int32_t>(kBinaryActivation, 0);
  if (named != kNoActivation && named != kReluActivation) return std::nullopt;
  const auto activation = named == kReluActivation ? Activation::kRelu : Activation::kNone;
  switch (binary.scalar<std::int32_t>(kBinaryKind, 0)) {
    case kSum:
      return Arithmetic{Kind::kAdd, activation};
    case kDifference:
      return Arithmetic{Kind::kSubtract, activation};
    case kProduct:
      return Arithmetic{Kind::kMultiply, activation};
    case kQuotient:
      return Arithmetic{Kind::kDivide, activation};
    default:
      return std::nullopt;
  }
}

bool lie_alike(const MapTensor& a, const MapTensor& b) {
  return a.batch == b.batch && a.shape == b.shape && a.order == b.order;
}

// Of an operator whose constants are the operand `constant`.
std::optional<RecordedNode> scaling(const Operands& operands, const Arithmetic& op,
                                    std::size_t constant, std::vector<float> numbers) {
  const Operand& map = operands.inputs[1 - constant];
  const std::size_t channels = operands.output.map.shape.channels;
  if (!map.is_map() || !lie_alike(map.map, operands.output.map) || numbers.size() != channels) {
    return std::nullopt;
  }
  auto scaling = scaling_by(op.kind, std::move(numbers), constant == 0);
  if (!scaling) return std::nullopt;
  scaling->input = map.id;
  scaling->output = operands.output.id;
  scaling->activation = op.activation;
  return node_of(operands, {*std::move(scaling)});
}

std::optional<RecordedNode> of_maps(const Operands& operands, const Arithmetic& op) {
  const Operand &a = operands.inputs[0], &b = operands.inputs[1];
  const TensorId output = operands.output.id;
  if (!lie_alike(a.map, operands.output.map) || !lie_alike(b.map, operands.output.map)) {
    return std::nullopt;
  }
  switch (op.kind) {
    case Kind::kAdd:
      return node_of(operands, {Addition{a.id, b.id, output, op.activation}});
    case Kind::kSubtract: {
      const std::size_t channels = b.map.shape.channels;
      const TensorId negated = operands.recording.between(b.map.shape);
      return node_of(operands, {Scaling{b.id, negated, std::vector<float>(channels, -1),
                                        std::vector<float>(channels)},
                                Addition{a.id, negated, output, op.activation}});
    }
    case Kind::kMultiply:
      return node_of(operands, {Multiplication{a.id, b.id, output, op.activation}});
    case Kind::kDivide:
      return std::nullopt;
  }
  return std::nullopt;
}

// The one command of a loop: what it computes, and from where to where.
struct LoopedCommand {
  Arithmetic arithmetic;
  abi::View inputs[2], output;
  std::int32_t size[3];
};

std::optional<abi::View> read_view(const FlatTable& table) {
  const auto strides = table.vector<std::int32_t>(kViewStrides);
  if (strides.size() != 3) return std::nullopt;
  return abi::View{table.scalar<std::int32_t>(kViewOffset, 0),
                   {strides[0], strides[1], strides[2]}};
}

std::optional<LoopedCommand> read_loop(const FlatTable& loop) {
  using Numbers = std::vector<std::int32_t>;
  const auto commands = loop.tables(kLoopCommands);
  if (commands.size() != 1 || loop.scalar<std::int32_t>(kLoopCount, 0) != 1 ||
      !loop.tables(kLoopFirst).empty() || loop.vector<std::int32_t>(kLoopInputs) != Numbers{0, 1}) {
    return std::nullopt;
  }
  const FlatTable& command = commands[0];
  const auto views = command.tables(kCommandViews);
  const auto size = command.vector<std::int32_t>(kCommandSize);
  const FlatTable op = command.table(kCommandOp);
  if (!op || views.size() != 3 || size.size() != 3 ||
      command.scalar<std::int32_t>(kCommandFuse, -1) != -1 ||
      command.vector<std::int32_t>(kCommandTensors) != Numbers{2, 0, 1} ||
      command.vector<std::int32_t>(kCommandIterations) != Numbers{-1, -1, -1}) {
    return std::nullopt;
  }
  const FlatTable binary = main_of(op, kMainBinaryOp);
  const auto arithmetic = binary ? read_binary(binary) : std::nullopt;
  const auto output = read_view(views[0]), a = read_view(views[1]), b = read_view(views[2]);
  if (!arithmetic || !output || !a || !b) return std::nullopt;
  return LoopedCommand{*arithmetic, {*a, *b}, *output, {size[0], size[1], size[2]}};
}

std::optional<RecordedNode> translated_loop(const Operands& operands,
                                            const LoopedCommand& command) {
  if (operands.inputs.size() != 2) return std::nullopt;
  for (const std::size_t operand : {1, 0}) {
    const std::vector<float>& elements = operands.inputs[operand].constant;
    if (elements.empty() || command.inputs[1 - operand] != command.output) continue;
    abi::Region region{command.inputs[operand], command.output, {}, nullptr};
    std::ranges::copy(command.size, region.size);
    auto numbers = spread_elements(region, elements, operands.output.map);
    if (!numbers.empty()) {
      return scaling(operands, command.arithmetic, operand, std::move(numbers));
    }
  }
  return std::nullopt;
}

std::optional<RecordedNode> translated(const Operands& operands, const Arithmetic& op) {
  if (operands.inputs.size() != 2) return std::nullopt;
  for (const std::size_t operand : {1, 0}) {
    auto numbers = channel_constants(operands, operands.inputs[operand]);
    if (!numbers.empty()) return scaling(operands, op, operand, std::move(numbers));
  }
  return of_maps(operands, op);
}

}  // namespace

Translation arithmetic(const abi::Op* op) {
  const FlatTable eltwise = main_of(op, kMainEltwise), binary = main_of(op, kMainBinaryOp);
  std::optional<Arithmetic> read;
  if (eltwise) read = read_eltwise(eltwise);
  if (binary) read = read_binary(binary);
  if (!read) return nullptr;
  return [read = *read](const Operands& operands) { return translated(operands, read); };
}

Translation looped_arithmetic(const abi::Op* op) {
  const FlatTable loop = main_of(op, kMainLoop);
  const auto command = loop ? read_loop(loop) : std::nullopt;
  if (!command) return nullptr;
  return
      [command = *command](const Operands& operands) { return translated_loop(operands, command); };
}

Translation scale(const abi::Op* op) {
  const FlatTable table = main_of(op, kMainScale);
  if (!table) return nullptr;
  auto scales = table.vector<float>(kScales), shifts = table.vector<float>(kShifts);
  if (shifts.empty()) shifts.resize(scales.size());
  return [scales, shifts](const Operands& operands) -> std::optional<RecordedNode> {
    const Operand& input = operands.inputs[0];
    const auto channels = static_cast<std::size_t>(operands.output.map.shape.channels);
    const bool fit = operands.inputs.size() == 1 && input.is_map() &&
                     input.map.order == MapOrder::kBlocked &&
                     lie_alike(input.map, operands.output.map) && scales.size() == channels &&
                     shifts.size() == channels;
    if (!fit) return std::nullopt;
    return node_of(operands, {Scaling{input.id, operands.output.id, scales, shifts}});
  };
}

}  // namespace patternlite::mnn
