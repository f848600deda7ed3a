// Dense convolutions run by Winograd's algorithm along rows.
#pragma once

#include <memory>

#include "engine/pack/grouping.h"
#include "engine/pack/packed_convolution.h"

namespace patternlite {

// Packs a convolution for which winograd_runs(...).
std::unique_ptr<PackedConvolution> pack_winograd(const Convolution& conv, const TapSets& taps,
                                                 const Grouping& grouping,
                                                 const PlanarLayout& input,
                                                 const PlanarLayout& output,
                                                 const kernels::KernelTable& kernels);

}  // namespace patternlite
