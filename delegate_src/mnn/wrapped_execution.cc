#include "mnn/wrapped_execution.h"

#include "mnn/blocked_tensor.h"

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

}  // namespace

std::optional<RecordedNode> AdditionExecution::node(Recording& recording,
                                                    const abi::Tensors& inputs,
                                                    const abi::Tensors& outputs) {
  if (inputs.size() != 2 || outputs.size() != 1 || !are_blocked(shadow()->engine(), inputs) ||
      !are_blocked(shadow()->engine(), outputs)) {
    return std::nullopt;
  }
  const BlockedTensor output = blocked_tensor(*outputs[0], 1);
  for (const abi::Tensor* input : inputs) {
    const BlockedTensor other = blocked_tensor(*input, 1);
    if (other.shape != output.shape || other.batch != output.batch) return std::nullopt;
  }
  const TensorId a = recording.tensor(*inputs[0]), b = recording.tensor(*inputs[1]);
  return RecordedNode{.op = Addition{a, b, recording.tensor(*outputs[0]), activation_},
                      .inputs = {a, b},
                      .place = nullptr,
                      .layer = nullptr};
}

std::optional<RecordedNode> ActivationExecution::node(Recording& recording,
                                                      const abi::Tensors& inputs,
                                                      const abi::Tensors& outputs) {
  if (inputs.size() != 1 || outputs.size() != 1 || !are_blocked(shadow()->engine(), inputs) ||
      !are_blocked(shadow()->engine(), outputs) ||
      blocked_tensor(*inputs[0], 1).shape != blocked_tensor(*outputs[0], 1).shape) {
    return std::nullopt;
  }
  const TensorId from = recording.tensor(*inputs[0]);
  return RecordedNode{.op = ActivationOp{from, recording.tensor(*outputs[0]), activation_},
                      .inputs = {from},
                      .place = nullptr,
                      .layer = nullptr};
}

std::optional<RecordedNode> PaddingExecution::node(Recording& recording, const abi::Tensors& inputs,
                                                   const abi::Tensors& outputs) {
  if (inputs.size() != 1 || outputs.size() != 1 || !are_blocked(shadow()->engine(), inputs) ||
      !are_blocked(shadow()->engine(), outputs)) {
    return std::nullopt;
  }
  auto padding = zero_padding(shadow()->engine(), *inputs[0], *outputs[0]);
  if (!padding) return std::nullopt;
  padding->input = recording.tensor(*inputs[0]);
  padding->output = recording.tensor(*outputs[0]);
  return RecordedNode{
      .op = *padding, .inputs = {padding->input}, .place = nullptr, .layer = nullptr};
}

std::optional<RecordedNode> PoolingExecution::node(Recording& recording, const abi::Tensors& inputs,
                                                   const abi::Tensors& outputs) {
  if (inputs.size() != 1 || outputs.size() != 1 || !are_blocked(shadow()->engine(), inputs) ||
      !are_blocked(shadow()->engine(), outputs)) {
    return std::nullopt;
  }
  const Shape input = blocked_tensor(*inputs[0], 1).shape;
  const Shape output = blocked_tensor(*outputs[0], 1).shape;
  const auto window = pooling_window(pool_, input, output);
  if (!window || input.channels != output.channels) return std::nullopt;
  const TensorId from = recording.tensor(*inputs[0]);
  return RecordedNode{.op = Pooling{from, recording.tensor(*outputs[0]), pool_.mode, *window},
                      .inputs = {from},
                      .place = nullptr,
                      .layer = nullptr};
}

std::unique_ptr<abi::Execution> wrapped_execution(abi::Backend* backend,
                                                  std::shared_ptr<ShadowBackend> shadow,
                                                  StockExecution& stock, const abi::Op* op) {
  if (!stock || !stock.is_ordinary()) return nullptr;
  switch (op_type(op)) {
    case kBinaryOp:
    case kEltwise:
      if (const auto activation = read_addition(op)) {
        return std::make_unique<AdditionExecution>(backend, std::move(shadow), std::move(stock),
                                                   *activation);
      }
      return nullptr;
    case kRelu:
    case kRelu6:
      if (const auto activation = read_activation(op)) {
        return std::make_unique<ActivationExecution>(backend, std::move(shadow), std::move(stock),
                                                     *activation);
      }
      return nullptr;
    case kRaster:
      return std::make_unique<PaddingExecution>(backend, std::move(shadow), std::move(stock));
    case kPooling:
      if (const auto pool = read_pooling(op)) {
        return std::make_unique<PoolingExecution>(backend, std::move(shadow), std::move(stock),
                                                  *pool);
      }
      return nullptr;
    default:
      return nullptr;
  }
}

}  // namespace patternlite::mnn
