// What MNN's registry holds for the plugin's forward type.
#pragma once

#include "mnn/engine_handle.h"

namespace patternlite::mnn {

// Creates MNN's own CPU runtimes, whose backends get a ShadowBackend each.
class ShadowRuntimeCreator final : public abi::RuntimeCreator {
 public:
  // `cpu`: MNN's creator for the CPU. Both live for ever.
  ShadowRuntimeCreator(const EngineHandle& engine, const abi::RuntimeCreator* cpu)
      : engine_(engine), cpu_(cpu) {}

  abi::Runtime* on_create(const abi::Info& info) const override;
  bool on_valid(abi::Info& info) const override { return cpu_->on_valid(info); }
  bool on_get_device_info(const void* key, void* value) const override {
    return cpu_->on_get_device_info(key, value);
  }
  bool on_set_quant_info(const abi::Op* op, const abi::Tensors& inputs,
                         const abi::Tensors& outputs) const override {
    return cpu_->on_set_quant_info(op, inputs, outputs);
  }

 private:
  const EngineHandle& engine_;
  const abi::RuntimeCreator* cpu_;
};

}  // namespace patternlite::mnn
