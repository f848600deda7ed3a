// Convolutions run by the IS kernel: filters that share nothing, any stride.
#pragma once

#include <memory>

#include "engine/pack/packed_convolution.h"
#include "engine/recognise/tap_sets.h"

namespace patternlite {

std::unique_ptr<PackedConvolution> pack_input_stationary(const Convolution& conv,
                                                         const TapSets& taps,
                                                         const PlanarLayout& input,
                                                         const PlanarLayout& output,
                                                         const kernels::KernelTable& kernels);

}  // namespace patternlite
