#include "mnn/translation.h"

#include <vector>

#include "mnn/blocked_tensor.h"
#include "mnn/operator.h"

namespace patternlite::mnn {
namespace {

// What a Raster copies to `output`.
const std::vector<abi::Region>& regions_of(const EngineHandle& engine, const abi::Tensor& output) {
  return *reinterpret_cast<const std::vector<abi::Region>*>(
      static_cast<const char*>(engine->describe(&output)) + abi::kDescribeRegions);
}

// From `input`, in the middle, to `output`; nothing if the Raster does anything else.
std::optional<Padding> zero_padding(const EngineHandle& engine, const abi::Tensor& input,
                                    const abi::Tensor& output) {
  const auto& regions = regions_of(engine, output);
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

// Of each element alone.
Translation elementwise(const Operator& op) {
  return [op](const EngineHandle&, const abi::Tensors& inputs,
              const abi::Tensor& output) -> std::optional<Operator> {
    if (inputs.size() != 1) return std::nullopt;
    if (blocked_tensor(*inputs[0], 1).shape != blocked_tensor(output, 1).shape) return std::nullopt;
    return op;
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

// One input's channels after the other's; nothing if the Raster does anything else. Counted as if
// all were NCHW.
std::optional<Concatenation> concatenation(const EngineHandle& engine, const abi::Tensors& inputs,
                                           const abi::Tensor& output) {
  const auto& regions = regions_of(engine, output);
  if (regions.size() != inputs.size()) return std::nullopt;
  const BlockedTensor whole = blocked_tensor(output, 1);
  const int area = whole.shape.height * whole.shape.width;
  int channels = 0;
  for (std::size_t i = 0; i < regions.size(); ++i) {
    const BlockedTensor part = blocked_tensor(*inputs[i], 1);
    const auto is_dense = [&](const abi::View& view, int image) {
      return (part.batch == 1 || view.stride[0] == image * area) && view.stride[1] == area &&
             view.stride[2] == 1;
    };
    const abi::Region& region = regions[i];
    const bool next =
        region.origin == inputs[i] && part.batch == whole.batch &&
        part.shape.height == whole.shape.height && part.shape.width == whole.shape.width &&
        region.source.offset == 0 && region.destination.offset == channels * area &&
        is_dense(region.source, part.shape.channels) &&
        is_dense(region.destination, whole.shape.channels) && region.size[0] == part.batch &&
        region.size[1] == part.shape.channels && region.size[2] == area;
    if (!next) return std::nullopt;
    channels += part.shape.channels;
  }
  if (channels != whole.shape.channels) return std::nullopt;
  return Concatenation{std::vector(inputs.size(), kNoTensor), kNoTensor};
}

Translation raster() {
  return [](const EngineHandle& engine, const abi::Tensors& inputs,
            const abi::Tensor& output) -> std::optional<Operator> {
    if (inputs.size() != 1) return concatenation(engine, inputs, output);
    return zero_padding(engine, *inputs[0], output);
  };
}

Translation multiplication(Activation activation) {
  return [activation](const EngineHandle&, const abi::Tensors& inputs,
                      const abi::Tensor& output) -> std::optional<Operator> {
    if (inputs.size() != 2) return std::nullopt;
    const BlockedTensor product = blocked_tensor(output, 1);
    const BlockedTensor a = blocked_tensor(*inputs[0], 1), b = blocked_tensor(*inputs[1], 1);
    const bool fit = b.shape == product.shape || b.shape == Shape{product.shape.channels, 1, 1};
    if (a.shape != product.shape || !fit) return std::nullopt;
    if (a.batch != product.batch || b.batch != product.batch) return std::nullopt;
    return Multiplication{kNoTensor, kNoTensor, kNoTensor, activation};
  };
}

}  // namespace

Translation translation_of(const abi::Op* op) {
  switch (op_type(op)) {
    case kBinaryOp:
    case kEltwise:
      if (const auto activation = read_addition(op)) return addition(*activation);
      if (const auto activation = read_multiplication(op)) return multiplication(*activation);
      return nullptr;
    case kRelu:
    case kRelu6:
      if (const auto activation = read_activation(op))
        return elementwise(ActivationOp{kNoTensor, kNoTensor, *activation});
      [[fallthrough]];
    case kUnaryOp:
      if (const auto curve = read_curve(op)) return elementwise(*curve);
      return nullptr;
    case kRaster:
      return raster();
    case kPooling:
      if (const auto pool = read_pooling(op)) return pooling(*pool);
      return nullptr;
    default:
      return nullptr;
  }
}

}  // namespace patternlite::mnn
