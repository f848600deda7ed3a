// Convolutions run by the BC kernel: 16 filters at a time, any stride; dense ones, too.
#pragma once

#include <memory>

#include "engine/pack/grouping.h"
#include "engine/pack/packed_convolution.h"

namespace patternlite {

std::unique_ptr<PackedConvolution> pack_broadcast(const Convolution& conv, const TapSets& taps,
                                                  const Grouping& grouping,
                                                  const PlanarLayout& input,
                                                  const PlanarLayout& output,
                                                  const kernels::KernelTable& kernels);

}  // namespace patternlite
