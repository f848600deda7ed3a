#include "mnn/model/convolution_layer.h"

#include <utility>

namespace patternlite::mnn {
namespace {

bool same_layout(const PlanarLayout& a, const PlanarLayout& b) {
  return a.shape == b.shape && a.same_geometry(b);
}

}  // namespace

Convolution engine_convolution(const ConvolutionOp& op, const Window& window,
                               const float* weights) {
  const auto area = static_cast<std::ptrdiff_t>(op.kernel_area());
  const bool grouped = !op.depthwise && op.groups > 1;
  return {.input = 0,
          .output = 1,
          .window = window,
          .weights = {.data = weights,
                      .filter_stride = area * op.group_channels(),
                      .channel_stride = area,
                      .row_stride = window.kernel_w,
                      .column_stride = 1,
                      .group_filters = grouped ? op.filters / op.groups : 0,
                      .group_channels = grouped ? op.group_channels() : 0},
          .bias = op.bias.empty() ? nullptr : op.bias.data(),
          .activation = op.activation,
          .depthwise = op.depthwise};
}

ConvolutionLayer::ConvolutionLayer(ConvolutionOp op, const float* weights)
    : op_(std::move(op)), weights_(weights, op_.weights()) {}

std::shared_ptr<const PackedLayer> ConvolutionLayer::shared(
    const PlanarConvolution& conv, const kernels::KernelTable& kernels) const {
  const std::lock_guard lock(mutex_);
  for (const auto& candidate : packed_) {
    auto layer = candidate.lock();
    if (layer && same_layout(layer->input, conv.input) &&
        same_layout(layer->written, conv.written()) && layer->window == conv.op.window &&
        layer->activation == conv.op.activation && layer->pooling == conv.op.pooling &&
        layer->curve == conv.op.curve && layer->kernels == &kernels) {
      return layer;
    }
  }
  return nullptr;
}

std::shared_ptr<const PackedLayer> ConvolutionLayer::share(
    const PlanarConvolution& conv, const kernels::KernelTable& kernels,
    std::unique_ptr<const PackedConvolution> packed) const {
  const auto layer = std::make_shared<const PackedLayer>(
      PackedLayer{conv.input, conv.written(), conv.op.window, conv.op.activation, conv.op.pooling,
                  conv.op.curve, &kernels, std::move(packed)});
  const std::lock_guard lock(mutex_);
  std::erase_if(packed_, [](const auto& other) { return other.expired(); });
  packed_.push_back(layer);
  return layer;
}

}  // namespace patternlite::mnn
