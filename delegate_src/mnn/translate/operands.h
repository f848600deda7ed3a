// What an operator reads and writes, for its translation.
#pragma once

#include <optional>
#include <vector>

#include "mnn/model/map_tensor.h"
#include "mnn/model/recording.h"

namespace patternlite::mnn {

struct Operand {
  const abi::Tensor* tensor;
  TensorId id = kNoTensor;  // of a map
  MapTensor map{};
  // The elements of a constant of the model, in order.
  std::vector<float> constant{};

  bool is_map() const { return id != kNoTensor; }
};

struct Operands {
  Recording& recording;
  std::vector<Operand> inputs;
  Operand output;
};

// Nothing if an input is neither a non-empty map nor a constant, or if the output is no such map.
std::optional<Operands> operands(Recording& recording, const abi::Tensors& inputs,
                                 const abi::Tensors& outputs);

// The node that runs `ops` in place of the operator.
RecordedNode node_of(const Operands& operands, std::vector<Operator> ops);

// One number for each channel of the output, if the operand holds them or is filled with them;
// otherwise empty.
std::vector<float> channel_constants(const Operands& operands, const Operand& operand);

}  // namespace patternlite::mnn
