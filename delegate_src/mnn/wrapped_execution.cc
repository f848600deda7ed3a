#include "mnn/wrapped_execution.h"

#include <optional>
#include <utility>
#include <vector>

#include "engine/graph/visit.h"
#include "mnn/blocked_tensor.h"
#include "mnn/planned_execution.h"
#include "mnn/translation.h"

namespace patternlite::mnn {
namespace {

bool are_blocked(const EngineHandle& engine, const abi::Tensors& tensors) {
  for (const abi::Tensor* tensor : tensors) {
    if (!is_blocked_float(engine, *tensor)) return false;
    if (blocked_tensor(*tensor, 1).shape.elements() == 0) return false;
  }
  return true;
}

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
    const EngineHandle& engine = shadow()->engine();
    if (outputs.size() != 1 || !are_blocked(engine, inputs) || !are_blocked(engine, outputs)) {
      return std::nullopt;
    }
    std::optional<Operator> op = translate_(engine, inputs, *outputs[0]);
    if (!op) return std::nullopt;
    std::vector<TensorId> ids;
    for_each_input(*op, [&](TensorId& id) {
      id = recording.tensor(*inputs[ids.size()]);
      ids.push_back(id);
    });
    set_output(*op, recording.tensor(*outputs[0]));
    return RecordedNode{
        .op = std::move(*op), .inputs = std::move(ids), .place = nullptr, .layer = nullptr};
  }

  const Translation translate_;
};

}  // namespace

std::unique_ptr<abi::Execution> wrapped_execution(abi::Backend* backend,
                                                  std::shared_ptr<ShadowBackend> shadow,
                                                  StockExecution& stock, const abi::Op* op) {
  if (!stock || !stock.is_ordinary()) return nullptr;
  Translation translation = translation_of(op);
  if (!translation) return nullptr;
  return std::make_unique<WrappedExecution>(backend, std::move(shadow), std::move(stock),
                                            std::move(translation));
}

}  // namespace patternlite::mnn
