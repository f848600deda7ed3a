#include "engine/pack/packed_convolution.h"

#include <limits>
#include <stdexcept>

#include "engine/pack/broadcast_convolution.h"
#include "engine/pack/depthwise_convolution.h"
#include "engine/pack/fully_connected.h"
#include "engine/pack/input_stationary_convolution.h"
#include "engine/pack/output_stationary_convolution.h"
#include "engine/pack/winograd_convolution.h"

namespace patternlite {

void check(const PlanarConvolution& conv) {
  if (conv.input.border < required_border(conv.op.window, conv.input.shape, conv.output.shape)) {
    throw std::invalid_argument("the input's border is narrower than the convolution's padding");
  }
  const std::size_t limit = std::numeric_limits<int32_t>::max();
  if (conv.input.elements() > limit || conv.output.elements() > limit) {
    throw std::invalid_argument("a tensor is too large: its planes must fit 2^31 floats");
  }
}

void PackedConvolution::run_rows(const float*, float*, Range) const {
  throw std::logic_error(kernel_name() + " does not run by rows");
}

void PackedConvolution::run_positions(const float*, const float*, float*, Range) const {
  throw std::logic_error(kernel_name() + " does not run by positions");
}

std::unique_ptr<PackedConvolution> PackedConvolution::pack_only_way(
    const PlanarConvolution& conv, const Sparsity& sparsity, const kernels::KernelTable& kernels) {
  if (conv.op.depthwise) return pack_depthwise(conv.op, conv.input, conv.output, kernels);
  if (sparsity.fully_connected) {
    return pack_fully_connected(conv.op, sparsity, conv.input, conv.output, kernels);
  }
  return nullptr;
}

std::unique_ptr<PackedConvolution> PackedConvolution::pack(const PlanarConvolution& conv,
                                                           const TapSets& taps,
                                                           const Choice& choice,
                                                           const kernels::KernelTable& kernels) {
  switch (choice.kernel) {
    case ConvKernel::kBc16:
      return pack_broadcast(conv.op, taps, choice.grouping, conv.input, conv.output, kernels);
    case ConvKernel::kIs:
      return pack_input_stationary(conv.op, taps, conv.input, conv.output, kernels);
    case ConvKernel::kWinograd:
      return pack_winograd(conv.op, taps, choice.grouping, conv.input, conv.output, kernels);
    default:
      return pack_output_stationary(conv.op, taps, choice.grouping, group_size(choice.kernel),
                                    conv.input, conv.output, kernels);
  }
}

}  // namespace patternlite
