// A convolution whose sums are bent by a curve, as of SiLU, while they are in the cache.
#pragma once

#include <memory>

#include "engine/pack/packed_convolution.h"

namespace patternlite {

// conv.op.curve is set; convolution: the same one packed without it.
std::unique_ptr<PackedConvolution> pack_curved(const PlanarConvolution& conv,
                                               std::unique_ptr<PackedConvolution> convolution,
                                               const kernels::KernelTable& kernels);

}  // namespace patternlite
