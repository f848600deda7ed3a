// What an operator reads and writes, as its translation sees it.
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
  // Of a constant of the model's: its elements, in a row.
  std::vector<float> constant{};

  bool is_map() const { return id != kNoTensor; }
};

struct Operands {
  Recording& recording;
  std::vector<Operand> inputs;
  Operand output;
};

// Nothing if one of them is neither a map with something in it nor a constant, or the output none.
std::optional<Operands> operands(Recording& recording, const abi::Tensors& inputs,
                                 const abi::Tensors& outputs);

// The node that runs `ops` in place of the operator.
RecordedNode node_of(const Operands& operands, std::vector<Operator> ops);

// One number for each channel of the output, whether the operand has them itself or is filled with
// them; empty if it has none.
std::vector<float> channel_constants(const Operands& operands, const Operand& operand);

}  // namespace patternlite::mnn
