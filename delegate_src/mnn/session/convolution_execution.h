// A convolution in an MNN session that runs in the engine.
#pragma once

#include <memory>
#include <optional>

#include "mnn/model/convolution_layer.h"
#include "mnn/session/planned_execution.h"

namespace patternlite::mnn {

class ConvolutionExecution final : public PlannedExecution {
 public:
  // `backend` must have a ShadowBackend. `stock`: null if the layer always runs here.
  // `beside_others`: as in RecordedNode. `gain`: as in Selection. `row`: the layer's in the
  // session's log.
  ConvolutionExecution(abi::Backend* backend, StockExecution stock,
                       std::shared_ptr<const ConvolutionLayer> layer, bool beside_others,
                       std::optional<double> gain, std::size_t row);

  bool on_clone(abi::Backend* backend, const abi::Op* op, abi::Execution** destination) override;

 private:
  std::optional<RecordedNode> node(Recording& recording, const abi::Tensors& inputs,
                                   const abi::Tensors& outputs) override;

  const std::shared_ptr<const ConvolutionLayer> layer_;
  const bool beside_others_;
  const std::optional<double> gain_;
  const std::size_t row_;
};

}  // namespace patternlite::mnn
