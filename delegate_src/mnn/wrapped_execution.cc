#include "mnn/wrapped_execution.h"

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "engine/graph/visit.h"
#include "mnn/blocked_tensor.h"
#include "mnn/planned_execution.h"

namespace patternlite::mnn {
namespace {

bool are_blocked(const EngineHandle& engine, const abi::Tensors& tensors) {
  for (const abi::Tensor* tensor : tensors) {
    if (!is_blocked_float(engine, *tensor)) return false;
    if (blocked_tensor(*tensor, 1).shape.elements() == 0) return false;
  }
  return true;
}

// From `input`, in the middle, to `output`; nothing if the Raster does anything else.
std::optional<Padding> zero_padding(const EngineHandle& engine, const abi::Tensor& input,
                                    const abi::Tensor& output) {
  const auto& regions = *reinterpret_cast<const std::vector<abi::Region>*>(
      static_cast<const char*>(engine->describe(&output)) + abi::kDescribeRegions);
  if (regions.size() != 1 || regions[0].origin != &input) return std::nullopt;
  const abi::Region& region = regions[0];
  const BlockedTensor in = blocked_tensor(input, 1), out = blocked_tensor(output, 1);
  const Shape &from = in.shape, &to = out.shape;
  if (in.batch != out.batch || from.channels != to.channels) return std::nullopt;
  const int top = region.destination.offset / to.width;
  const int left = region.destination.offset % to.width;
  const int bottom = to.height - from.height - top, right = to.width - from.width - left;
  // Counted as if both were NCHW.
  const auto is_whole = [](const abi::View& view, const Shape& shape) {
    return view.stride[0] == shape.height * shape.width && view.stride[1] == shape.width &&
           view.stride[2] == 1;
  };
  const bool whole = region.source.offset == 0 && is_whole(region.source, from) &&
                     is_whole(region.destination, to) &&
                     region.size[0] == in.batch * from.channels && region.size[1] == from.height &&
                     region.size[2] == from.width;
  if (!whole || region.destination.offset < 0 || bottom < 0 || right < 0) return std::nullopt;
  return Padding{kNoTensor, kNoTensor, top, left, bottom, right};
}

// The operator between these tensors, blocked ones of floats, without their numbers; nothing if it
// is none that runs here.
using Translation = std::function<std::optional<Operator>(
    const EngineHandle& engine, const abi::Tensors& inputs, const abi::Tensor& output)>;

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

Translation addition(Activation activation) {
  return [activation](const EngineHandle&, const abi::Tensors& inputs,
                      const abi::Tensor& output) -> std::optional<Operator> {
    if (inputs.size() != 2) return std::nullopt;
    const BlockedTensor sum = blocked_tensor(output, 1);
    for (const abi::Tensor* input : inputs) {
      const BlockedTensor part = blocked_tensor(*input, 1);
      if (part.shape != sum.shape || part.batch != sum.batch) return std::nullopt;
    }
    return Addition{kNoTensor, kNoTensor, kNoTensor, activation};
  };
}

Translation activation_alone(Activation activation) {
  return [activation](const EngineHandle&, const abi::Tensors& inputs,
                      const abi::Tensor& output) -> std::optional<Operator> {
    if (inputs.size() != 1) return std::nullopt;
    if (blocked_tensor(*inputs[0], 1).shape != blocked_tensor(output, 1).shape) return std::nullopt;
    return ActivationOp{kNoTensor, kNoTensor, activation};
  };
}

Translation padding() {
  return [](const EngineHandle& engine, const abi::Tensors& inputs,
            const abi::Tensor& output) -> std::optional<Operator> {
    if (inputs.size() != 1) return std::nullopt;
    return zero_padding(engine, *inputs[0], output);
  };
}

Translation pooling(const PoolingOp& pool) {
  return [pool](const EngineHandle&, const abi::Tensors& inputs,
                const abi::Tensor& output) -> std::optional<Operator> {
    if (inputs.size() != 1) return std::nullopt;
    const Shape from = blocked_tensor(*inputs[0], 1).shape, to = blocked_tensor(output, 1).shape;
    const auto window = pooling_window(pool, from, to);
    if (!window || from.channels != to.channels) return std::nullopt;
    return Pooling{kNoTensor, kNoTensor, pool.mode, *window};
  };
}

// Null if it is no operator of these.
Translation translation_of(const abi::Op* op) {
  switch (op_type(op)) {
    case kBinaryOp:
    case kEltwise:
      if (const auto activation = read_addition(op)) return addition(*activation);
      return nullptr;
    case kRelu:
    case kRelu6:
      if (const auto activation = read_activation(op)) return activation_alone(*activation);
      return nullptr;
    case kRaster:
      return padding();
    case kPooling:
      if (const auto pool = read_pooling(op)) return pooling(*pool);
      return nullptr;
    default:
      return nullptr;
  }
}

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
