// What MNN's registry holds for the plugin's forward type.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "mnn/abi/engine_handle.h"
#include "mnn/session/layer_log.h"

namespace patternlite::mnn {

// Creates MNN's own CPU runtimes, whose backends get a ShadowBackend each.
class ShadowRuntimeCreator final : public abi::RuntimeCreator {
 public:
  // `cpu`: MNN's creator for the CPU. Both must live for ever.
  ShadowRuntimeCreator(const EngineHandle& engine, const abi::RuntimeCreator* cpu)
      : engine_(engine), cpu_(cpu) {}

  // Null, with the reason on stderr, if the runtime would not use the plugin: then MNN creates no
  // session.
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

// The logs of all our runtimes whose memory MNN sums up, on this thread, during ask(). This tells
// which runtime a session or a manager has without knowing their layouts. Null: none is ours.
using Logs = std::vector<std::shared_ptr<LayerLog>>;
std::unique_ptr<Logs> logs_of_runtimes_asked(const std::function<void()>& ask);

}  // namespace patternlite::mnn
