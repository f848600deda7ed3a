// Operators that MNN runs well, but not on planar tensors: between our layers they run here.
#pragma once

#include "mnn/planned_execution.h"

namespace patternlite::mnn {

// MNN makes these anew where it clones a session.
class WrappedExecution : public PlannedExecution {
 public:
  WrappedExecution(abi::Backend* backend, std::shared_ptr<ShadowBackend> shadow,
                   StockExecution stock)
      : PlannedExecution(backend, std::move(shadow), std::move(stock)) {}
  bool on_clone(abi::Backend*, const abi::Op*, abi::Execution**) final { return false; }
};

// BinaryOp or Eltwise: the sum of two tensors of one shape.
class AdditionExecution final : public WrappedExecution {
 public:
  AdditionExecution(abi::Backend* backend, std::shared_ptr<ShadowBackend> shadow,
                    StockExecution stock, Activation activation)
      : WrappedExecution(backend, std::move(shadow), std::move(stock)), activation_(activation) {}

 private:
  std::optional<RecordedNode> node(Recording& recording, const abi::Tensors& inputs,
                                   const abi::Tensors& outputs) override;

  const Activation activation_;
};

// ReLU or ReLU6 that MNN's converter left alone.
class ActivationExecution final : public WrappedExecution {
 public:
  ActivationExecution(abi::Backend* backend, std::shared_ptr<ShadowBackend> shadow,
                      StockExecution stock, Activation activation)
      : WrappedExecution(backend, std::move(shadow), std::move(stock)), activation_(activation) {}

 private:
  std::optional<RecordedNode> node(Recording& recording, const abi::Tensors& inputs,
                                   const abi::Tensors& outputs) override;

  const Activation activation_;
};

// A Raster that does no more than to put zeros around the image.
class PaddingExecution final : public WrappedExecution {
 public:
  using WrappedExecution::WrappedExecution;

 private:
  std::optional<RecordedNode> node(Recording& recording, const abi::Tensors& inputs,
                                   const abi::Tensors& outputs) override;
};

class PoolingExecution final : public WrappedExecution {
 public:
  PoolingExecution(abi::Backend* backend, std::shared_ptr<ShadowBackend> shadow,
                   StockExecution stock, const PoolingOp& pool)
      : WrappedExecution(backend, std::move(shadow), std::move(stock)), pool_(pool) {}

 private:
  std::optional<RecordedNode> node(Recording& recording, const abi::Tensors& inputs,
                                   const abi::Tensors& outputs) override;

  const PoolingOp pool_;
};

// `stock` wrapped in one of these; null, and `stock` kept, if it is no operator of theirs.
std::unique_ptr<abi::Execution> wrapped_execution(abi::Backend* backend,
                                                  std::shared_ptr<ShadowBackend> shadow,
                                                  StockExecution& stock, const abi::Op* op);

}  // namespace patternlite::mnn
