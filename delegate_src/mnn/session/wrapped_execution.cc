#include "mnn/session/wrapped_execution.h"

#include <optional>
#include <utility>
#include <vector>

#include "mnn/session/planned_execution.h"
#include "mnn/translate/translation.h"

namespace patternlite::mnn {
namespace {

// MNN makes these anew where it clones a session.
class WrappedExecution final : public PlannedExecution {
 public:
  WrappedExecution(abi::Backend* backend, std::shared_ptr<ShadowBackend> shadow,
                   StockExecution stock, Translation translate)
      : PlannedExecution(backend, std::move(shadow), std::move(stock)),
        translate_(std::move(translate)) {}
  bool on_clone(abi::Backend*, const abi::Op*, abi::Execution**) override { return false; }

 private:
  std::optional<RecordedNode> node(Recording& recording, const abi::Tensors& inputs,
                                   const abi::Tensors& outputs) override {
    const auto tensors = operands(recording, inputs, outputs);
    auto node = tensors ? translate_(*tensors) : std::nullopt;
    if (node) node->only_here = !stock();
    return node;
  }

  const Translation translate_;
};

}  // namespace

std::unique_ptr<abi::Execution> wrapped_execution(abi::Backend* backend,
                                                  std::shared_ptr<ShadowBackend> shadow,
                                                  StockExecution& stock, const abi::Op* op) {
  if (!stock.is_ordinary()) return nullptr;
  Translation translation = translation_of(op);
  if (!translation) return nullptr;
  return std::make_unique<WrappedExecution>(backend, std::move(shadow), std::move(stock),
                                            std::move(translation));
}

std::unique_ptr<abi::Execution> lone_execution(abi::Backend* backend,
                                               std::shared_ptr<ShadowBackend> shadow,
                                               const abi::Tensors& inputs,
                                               const abi::Tensors& outputs, const abi::Op* op) {
  Translation translation = translation_of(op);
  if (!translation) return nullptr;
  Recording trial(shadow->engine());
  const auto tensors = operands(trial, inputs, outputs);
  if (!tensors || !translation(*tensors)) return nullptr;
  return std::make_unique<WrappedExecution>(backend, std::move(shadow), StockExecution(nullptr),
                                            std::move(translation));
}

}  // namespace patternlite::mnn
