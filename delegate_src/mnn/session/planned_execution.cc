#include "mnn/session/planned_execution.h"

#include "mnn/abi/error_code.h"
#include "mnn/session/session_program.h"

namespace patternlite::mnn {

abi::ErrorCode PlannedExecution::on_resize(const abi::Tensors& inputs,
                                           const abi::Tensors& outputs) {
  const int acquisitions = shadow_->acquisitions();
  if (stock_) {
    if (const auto code = stock_.on_resize(inputs, outputs); code != abi::kNoError) return code;
  }
  return guarded([&] {
    place_ = nullptr;
    auto recorded = node(shadow_->recording(), inputs, outputs);
    if (!recorded) return;
    recorded->stock_has_memory = shadow_->acquisitions() != acquisitions;
    place_ = recorded->place = std::make_shared<Place>();
    shadow_->recording().add(std::move(*recorded));
  });
}

abi::ErrorCode PlannedExecution::on_execute(const abi::Tensors& inputs,
                                            const abi::Tensors& outputs) {
  if (place_ && !place_->program) {
    if (const auto code = shadow_->compile(); code != abi::kNoError) return code;
  }
  if (place_ && place_->program->runs(place_->node)) {
    if (place_->program->runs_in_mnn_too(place_->node)) {
      if (const auto code = stock_.on_execute(inputs, outputs); code != abi::kNoError) return code;
    }
    return guarded([&] {
      place_->program->run(place_->node, inputs, outputs, shadow_->pack(), shadow_->parallel());
    });
  }
  if (stock_) return stock_.on_execute(inputs, outputs);
  tell_refusal("an operator that is not left to MNN cannot run here");
  return abi::kNotSupport;
}

}  // namespace patternlite::mnn
