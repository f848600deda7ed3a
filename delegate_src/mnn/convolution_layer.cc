#include "mnn/convolution_layer.h"

#include <algorithm>
#include <utility>

#include "engine/support/isa.h"

namespace patternlite::mnn {
namespace {

std::pair<PlanarLayout, PlanarLayout> layouts_for(const Window& window, const Shape& input,
                                                  const Shape& output) {
  PlanarLayout in{input, required_border(window, input, output)};
  PlanarLayout out{output, in.border};
  if (window.stride_h == 1 && window.stride_w == 1) {
    // The kernels over positions want rows of one pitch on both sides.
    const int pitch = std::max(in.pitch(), output.width);
    in.border = pitch - input.width;
    out.border = pitch - output.width;
  }
  return {in, out};
}

}  // namespace

Convolution engine_convolution(const ConvolutionOp& op, const Window& window,
                               const float* weights) {
  const std::ptrdiff_t area = static_cast<std::ptrdiff_t>(window.kernel_h) * window.kernel_w;
  return {.input = 0,
          .output = 1,
          .window = window,
          .weights = {.data = weights,
                      .filter_stride = area * op.channels,
                      .channel_stride = area,
                      .row_stride = window.kernel_w,
                      .column_stride = 1},
          .bias = op.bias.empty() ? nullptr : op.bias.data(),
          .activation = op.activation};
}

ConvolutionLayer::ConvolutionLayer(ConvolutionOp op, const float* weights)
    : op_(std::move(op)),
      weights_(weights, static_cast<std::size_t>(op_.filters) * op_.channels * op_.window.kernel_h *
                            op_.window.kernel_w) {}

std::shared_ptr<const PackedLayer> ConvolutionLayer::pack(const Shape& input,
                                                          const Shape& output) const {
  const std::lock_guard lock(mutex_);
  std::erase_if(packed_, [](const auto& layer) { return layer.expired(); });
  for (const auto& candidate : packed_) {
    auto layer = candidate.lock();
    if (layer && layer->input.shape == input && layer->output.shape == output &&
        layer->kernels == &best_kernels()) {
      return layer;
    }
  }
  auto layer = pack_anew(input, output);
  packed_.push_back(layer);
  return layer;
}

std::shared_ptr<const PackedLayer> ConvolutionLayer::pack_anew(const Shape& input,
                                                               const Shape& output) const {
  const Window window = padded_window(op_, input, output);
  const auto [in, out] = layouts_for(window, input, output);
  const std::vector<float> weights = weights_.expand();
  const kernels::KernelTable& kernels = best_kernels();
  return std::make_shared<const PackedLayer>(PackedLayer{
      in, out, &kernels,
      PackedConvolution::pack(engine_convolution(op_, window, weights.data()), in, out, kernels)});
}

}  // namespace patternlite::mnn
