// A convolution to whose sums a curve, such as SiLU, is applied while they are in the cache.
#pragma once

#include <memory>

#include "engine/pack/packed_convolution.h"

namespace patternlite {

// conv.op.curve must be set. convolution: the same one, packed without the curve.
std::unique_ptr<PackedConvolution> pack_curved(const PlanarConvolution& conv,
                                               std::unique_ptr<PackedConvolution> convolution,
                                               const kernels::KernelTable& kernels);

}  // namespace patternlite
