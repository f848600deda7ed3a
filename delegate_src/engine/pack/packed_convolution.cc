#include "engine/pack/packed_convolution.h"

#include <limits>
#include <stdexcept>
#include <utility>

#include "engine/graph/pitch.h"
#include "engine/pack/broadcast_convolution.h"
#include "engine/pack/curved_convolution.h"
#include "engine/pack/depthwise_convolution.h"
#include "engine/pack/fully_connected.h"
#include "engine/pack/input_stationary_convolution.h"
#include "engine/pack/output_stationary_convolution.h"
#include "engine/pack/pooled_convolution.h"
#include "engine/pack/winograd_convolution.h"

namespace patternlite {

PlanarConvolution planar_convolution(const Convolution& conv,
                                     const std::vector<PlanarLayout>& layouts) {
  const PlanarLayout &input = layouts[conv.input], &output = layouts[conv.output];
  if (!conv.pooling) return {conv, input, output};
  // Only the pooling reads the convolution's own result.
  const Shape& result = conv.pooling->input;
  const PlanarLayout own = may_keep_pitch(conv.window, input.shape, result)
                               ? at_pitch_of(input, result)
                               : PlanarLayout{.shape = result};
  return {conv, input, own, PooledOutput{output, pooled_rows_at_once(*conv.pooling, own)}};
}

void check(const PlanarConvolution& conv) {
  if (conv.input.border < required_border(conv.op.window, conv.input.shape, conv.output.shape)) {
    throw std::invalid_argument("the input's border is narrower than the convolution's padding");
  }
  const auto too_large = [](const PlanarLayout& layout) {
    constexpr std::size_t kLimit = std::numeric_limits<int32_t>::max();
    const auto rows = std::size_t(layout.shape.height) + 2 * layout.border;
    return rows * layout.pitch() > kLimit || layout.elements() > kLimit;
  };
  if (too_large(conv.input) || too_large(conv.output)) {
    throw std::invalid_argument("a tensor is too large: its planes must fit 2^31 floats");
  }
}

void PackedConvolution::run_rows(const float*, float*, Range) const {
  throw std::logic_error(kernel_name() + " does not run by rows");
}

void PackedConvolution::run_positions(const float*, const float*, float*, Range) const {
  throw std::logic_error(kernel_name() + " does not run by positions");
}

namespace {

PlanarConvolution without_curve(PlanarConvolution conv) {
  conv.op.curve.reset();
  return conv;
}

}  // namespace

std::unique_ptr<PackedConvolution> PackedConvolution::pack_only_way(
    const PlanarConvolution& conv, const Analysis& analysis, const kernels::KernelTable& kernels) {
  if (conv.op.curve) {
    auto straight = pack_only_way(without_curve(conv), analysis, kernels);
    return straight ? pack_curved(conv, std::move(straight), kernels) : nullptr;
  }
  if (conv.op.depthwise) {
    return pack_depthwise(conv.op, analysis.taps, conv.input, conv.output, kernels);
  }
  if (analysis.sparsity.fully_connected) {
    return pack_fully_connected(conv.op, analysis.sparsity, conv.input, conv.output, kernels);
  }
  return nullptr;
}

std::unique_ptr<PackedConvolution> PackedConvolution::pack(const PlanarConvolution& conv,
                                                           const TapSets& taps,
                                                           const Choice& choice,
                                                           const kernels::KernelTable& kernels) {
  if (conv.pooled) {
    return pack_pooled(conv, kernels, [&](const PlanarConvolution& unpooled) {
      return pack(unpooled, taps, choice, kernels);
    });
  }
  if (conv.op.curve) {
    return pack_curved(conv, pack(without_curve(conv), taps, choice, kernels), kernels);
  }
  switch (choice.kernel) {
    case ConvKernel::kBc16:
      return pack_broadcast(conv.op, taps, choice.grouping, conv.input, conv.output, kernels);
    case ConvKernel::kIs:
      return pack_input_stationary(conv.op, taps, conv.input, conv.output, kernels);
    case ConvKernel::kWinograd:
      return pack_winograd(conv.op, taps, choice.grouping, conv.input, conv.output, kernels);
    case ConvKernel::kOs1:
    case ConvKernel::kOs2:
    case ConvKernel::kOs4:
      break;
  }
  return pack_output_stationary(conv.op, taps, choice.grouping, group_size(choice.kernel),
                                conv.input, conv.output, kernels);
}

}  // namespace patternlite
