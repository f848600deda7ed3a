// An Execution whose work is planned together with that of its neighbours.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "mnn/abi/abi.h"
#include "mnn/abi/stock_execution.h"
#include "mnn/model/operator.h"
#include "mnn/model/recording.h"
#include "mnn/session/shadow_backend.h"

namespace patternlite::mnn {

// MNN resizes the operators of a session one by one, then tells the backend that it has finished:
// then the recorded ones are compiled as one graph.
class PlannedExecution : public abi::Execution {
 public:
  abi::ErrorCode on_resize(const abi::Tensors& inputs, const abi::Tensors& outputs) final;
  abi::ErrorCode on_execute(const abi::Tensors& inputs, const abi::Tensors& outputs) final;

 protected:
  // `stock`: MNN's own Execution, for when the operator does not run here; may be null.
  PlannedExecution(abi::Backend* backend, std::shared_ptr<ShadowBackend> shadow,
                   StockExecution stock)
      : Execution(backend), shadow_(std::move(shadow)), stock_(std::move(stock)) {}

  // The operator between these tensors, for `recording`; nothing if it cannot run here.
  virtual std::optional<RecordedNode> node(Recording& recording, const abi::Tensors& inputs,
                                           const abi::Tensors& outputs) = 0;
  const std::shared_ptr<ShadowBackend>& shadow() const { return shadow_; }
  const StockExecution& stock() const { return stock_; }

 private:
  const std::shared_ptr<ShadowBackend> shadow_;
  const StockExecution stock_;
  std::shared_ptr<Place> place_;  // null: the operator cannot run here
};

}  // namespace patternlite::mnn
