// Convolutions run by the OS kernels: vectors of positions, 1, 2 or 4 filters at a time.
#pragma once

#include <memory>

#include "engine/pack/grouping.h"
#include "engine/pack/packed_convolution.h"

namespace patternlite {

std::unique_ptr<PackedConvolution> pack_output_stationary(
    const Convolution& conv, const TapSets& taps, const Grouping& grouping, int group_size,
    const PlanarLayout& input, const PlanarLayout& output, const kernels::KernelTable& kernels);

}  // namespace patternlite
