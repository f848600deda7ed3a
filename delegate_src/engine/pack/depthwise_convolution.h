// Depthwise convolutions, any stride: vectors of positions, skipping the zeros of each kernel.
#pragma once

#include <memory>

#include "engine/pack/packed_convolution.h"

namespace patternlite {

std::unique_ptr<PackedConvolution> pack_depthwise(const Convolution& conv, const TapSets& taps,
                                                  const PlanarLayout& input,
                                                  const PlanarLayout& output,
                                                  const kernels::KernelTable& kernels);

}  // namespace patternlite
