#include "mnn/translate/operands.h"

#include <cstdint>
#include <utility>

namespace patternlite::mnn {
namespace {

constexpr std::int64_t kMostConstants = 1 << 16;  // there are no more channels

bool is_empty(const MapTensor& map) { return map.batch < 1 || map.shape.elements() == 0; }

// Nothing if the model does not store it, or its elements do not lie in a row.
std::vector<float> constant_of(const EngineHandle& engine, const abi::Tensor& tensor) {
  const void* describe = engine->describe(&tensor);
  const auto format = abi::field<abi::DimensionFormat>(describe, abi::kDescribeDimensionFormat);
  if (abi::field<abi::Usage>(describe, abi::kDescribeUsage) != abi::kUsageConstant ||
      format == abi::kFormatNc4hw4 || tensor.host == nullptr ||
      tensor.type.code != abi::kFloat32.code || tensor.type.bits != abi::kFloat32.bits) {
    return {};
  }
  std::int64_t elements = 1;
  for (int axis = 0; axis < tensor.dimensions; ++axis) {
    elements *= tensor.dim[axis].extent;
    if (elements < 1 || elements > kMostConstants) return {};
  }
  const auto* first = reinterpret_cast<const float*>(tensor.host);
  return std::vector<float>(first, first + elements);
}

std::optional<Operand> operand(Recording& recording, const abi::Tensor& tensor) {
  Operand operand{.tensor = &tensor};
  operand.constant = constant_of(recording.engine(), tensor);
  if (!operand.constant.empty()) return operand;
  const auto map = map_tensor(recording.engine(), tensor);
  if (!map || is_empty(*map) || map->shape.elements() > kMostElements) return std::nullopt;
  operand.map = *map;
  operand.id = recording.tensor(tensor);
  return operand;
}

}  // namespace

std::optional<Operands> operands(Recording& recording, const abi::Tensors& inputs,
                                 const abi::Tensors& outputs) {
  if (outputs.size() != 1) return std::nullopt;
  std::vector<Operand> read;
  for (const abi::Tensor* tensor : inputs) {
    auto input = operand(recording, *tensor);
    if (!input) return std::nullopt;
    read.push_back(std::move(*input));
  }
  auto written = operand(recording, *outputs[0]);
  if (read.empty() || !written || !written->is_map()) return std::nullopt;
  return Operands{recording, std::move(read), std::move(*written)};
}

RecordedNode node_of(const Operands& operands, std::vector<Operator> ops) {
  RecordedNode node{.ops = std::move(ops), .inputs = {}, .output = operands.output.id};
  for (const Operand& input : operands.inputs) node.inputs.push_back(input.id);
  return node;
}

std::vector<float> channel_constants(const Operands& operands, const Operand& operand) {
  const auto channels = static_cast<std::size_t>(operands.output.map.shape.channels);
  if (operand.is_map()) return operands.recording.tensors()[operand.id].constant;
  if (operand.constant.size() == 1) return std::vector<float>(channels, operand.constant[0]);
  return {};
}

}  // namespace patternlite::mnn
