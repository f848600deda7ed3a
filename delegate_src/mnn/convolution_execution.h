// A convolution in an MNN session that the engine runs.
#pragma once

#include <memory>

#include "mnn/convolution_layer.h"
#include "mnn/planned_execution.h"

namespace patternlite::mnn {

class ConvolutionExecution final : public PlannedExecution {
 public:
  // `backend` must have a ShadowBackend. `stock`: null if the layer always runs here.
  // `if_read_here`: as in Selection. `row`: the layer's in the session's log.
  ConvolutionExecution(abi::Backend* backend, StockExecution stock,
                       std::shared_ptr<const ConvolutionLayer> layer, bool if_read_here,
                       std::size_t row);

  bool on_clone(abi::Backend* backend, const abi::Op* op, abi::Execution** destination) override;

 private:
  std::optional<RecordedNode> node(Recording& recording, const abi::Tensors& inputs,
                                   const abi::Tensors& outputs) override;

  const std::shared_ptr<const ConvolutionLayer> layer_;
  const bool if_read_here_;
  const std::size_t row_;
};

}  // namespace patternlite::mnn
