#include "mnn/translate/activations.h"

#include <utility>

#include "engine/graph/activation.h"
#include "engine/graph/visit.h"
#include "mnn/abi/flat_table.h"
#include "mnn/model/operator.h"

namespace patternlite::mnn {
namespace {

constexpr std::uint8_t kMainPrelu = 32, kMainRelu = 51, kMainRelu6 = 52, kMainUnaryOp = 70;
constexpr int kPreluSlopes = 6;
constexpr int kReluSlope = 4, kRelu6Low = 4, kRelu6High = 6;
constexpr int kUnaryKind = 4;

// Without their tensors.
Operator clamp(Activation activation) { return ActivationOp{kNoTensor, kNoTensor, activation}; }
Operator curve(Curve curve) { return CurveOp{kNoTensor, kNoTensor, curve}; }
Operator leaky_relu(std::vector<float> slopes) {
  return CurveOp{kNoTensor, kNoTensor, Curve::kLeakyRelu, std::move(slopes)};
}

std::optional<Operator> clamp_between(float low, float high) {
  for (const auto it : {Activation::kRelu6, Activation::kReluN1To1, Activation::kRelu0To1}) {
    if (clamp_of(it).low == low && clamp_of(it).high == high) return clamp(it);
  }
  return std::nullopt;
}

std::optional<Operator> read_unary(const abi::Op* op) {
  constexpr int kSigmoid = 29, kTanh = 30, kHardSwish = 31, kTanhGelu = 32, kGelu = 33, kSilu = 34;
  const FlatTable unary = main_of(op, kMainUnaryOp);
  if (!unary) return std::nullopt;
  switch (unary.scalar<std::int32_t>(kUnaryKind, 0)) {
    case kSigmoid:
      return curve(Curve::kSigmoid);
    case kTanh:
      return curve(Curve::kTanh);
    case kHardSwish:
      return curve(Curve::kHardSwish);
    case kTanhGelu:  // which its converter takes for any GELU
      return curve(Curve::kTanhGelu);
    case kGelu:
      return curve(Curve::kGelu);
    case kSilu:
      return curve(Curve::kSilu);
    default:
      return std::nullopt;
  }
}

std::optional<Operator> read(const abi::Op* op) {
  switch (op_type(op)) {
    case kRelu: {
      const FlatTable relu = main_of(op, kMainRelu);
      const float slope = relu ? relu.scalar<float>(kReluSlope, 0) : 0;
      return slope == 0 ? clamp(Activation::kRelu) : leaky_relu({slope});
    }
    case kRelu6: {
      const FlatTable clip = main_of(op, kMainRelu6);
      if (!clip) return clamp(Activation::kRelu6);
      return clamp_between(clip.scalar<float>(kRelu6Low, 0), clip.scalar<float>(kRelu6High, 6));
    }
    case kPrelu: {
      const FlatTable prelu = main_of(op, kMainPrelu);
      return prelu ? std::optional(leaky_relu(prelu.vector<float>(kPreluSlopes))) : std::nullopt;
    }
    default:
      return read_unary(op);
  }
}

}  // namespace

Translation activation(const abi::Op* op) {
  const auto found = read(op);
  if (!found) return nullptr;
  return [op = *found](const Operands& operands) -> std::optional<RecordedNode> {
    const Operand &input = operands.inputs[0], &output = operands.output;
    const auto channels = static_cast<std::size_t>(output.map.shape.channels);
    const bool same = operands.inputs.size() == 1 && input.is_map() &&
                      input.map.shape == output.map.shape && input.map.batch == output.map.batch &&
                      input.map.order == output.map.order;
    if (!same) return std::nullopt;
    if (const auto* bent = std::get_if<CurveOp>(&op); bent && bent->curve == Curve::kLeakyRelu) {
      const std::size_t slopes = bent->slopes.size();
      const bool by_channel = slopes == channels && output.map.order == MapOrder::kBlocked;
      if (slopes != 1 && !by_channel) return std::nullopt;
    }
    Operator placed = op;
    for_each_input(placed, [&](TensorId& id) { id = input.id; });
    set_output(placed, output.id);
    return node_of(operands, {std::move(placed)});
  };
}

}  // namespace patternlite::mnn
