// An Execution that MNN made, owned.
#pragma once

#include <memory>

#include "mnn/abi/abi.h"

namespace patternlite::mnn {

// It is called through the slots of its own vtable, never as an abi::Execution, which is our class.
class StockExecution {
 public:
  explicit StockExecution(abi::Execution* execution) : execution_(execution) {}

  explicit operator bool() const { return execution_ != nullptr; }
  abi::Execution* release() { return execution_.release(); }
  abi::ErrorCode on_resize(const abi::Tensors& inputs, const abi::Tensors& outputs) const {
    return call(abi::kExecutionResize, inputs, outputs);
  }
  abi::ErrorCode on_execute(const abi::Tensors& inputs, const abi::Tensors& outputs) const {
    return call(abi::kExecutionExecute, inputs, outputs);
  }
  bool can_be_cloned(abi::Backend* backend, const abi::Op* op) const {
    return clone_to(nullptr, backend, op);
  }
  // MNN's clone of it, which may be none.
  StockExecution clone(abi::Backend* backend, const abi::Op* op) const {
    abi::Execution* copy = nullptr;
    clone_to(&copy, backend, op);
    return StockExecution(copy);
  }
  // The defaults of an Execution: it is usable, and MNN allocates its tensors.
  bool is_ordinary() const {
    const void* object = execution_.get();
    return abi::field<bool>(object, offsetof(abi::ExecutionLayout, valid)) &&
           abi::field<bool>(object, offsetof(abi::ExecutionLayout, allocate_inputs_and_outputs));
  }

 private:
  struct Delete {
    void operator()(abi::Execution* it) const {
      abi::slot<abi::DeleteFunction>(it, abi::kExecutionDelete)(it);
    }
  };
  bool clone_to(abi::Execution** destination, abi::Backend* backend, const abi::Op* op) const {
    return abi::slot<abi::CloneFunction>(execution_.get(), abi::kExecutionClone)(
        execution_.get(), backend, op, destination);
  }
  abi::ErrorCode call(abi::ExecutionSlot slot, const abi::Tensors& inputs,
                      const abi::Tensors& outputs) const {
    return abi::slot<abi::RunFunction>(execution_.get(), slot)(execution_.get(), inputs, outputs);
  }

  std::unique_ptr<abi::Execution, Delete> execution_;
};

}  // namespace patternlite::mnn
