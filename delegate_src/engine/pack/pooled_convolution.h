// A convolution whose result is pooled some rows at a time, and so is never in memory as a whole.
#pragma once

#include <functional>
#include <memory>

#include "engine/pack/packed_convolution.h"

namespace patternlite {

// PooledOutput::rows_at_once: as many as stay in a core's second-level cache until they are pooled.
int pooled_rows_at_once(const FusedPooling& pooling, const PlanarLayout& result);

// conv.pooled must be set. pack: packs the same convolution without pooling.
std::unique_ptr<PackedConvolution> pack_pooled(
    const PlanarConvolution& conv, const kernels::KernelTable& kernels,
    const std::function<std::unique_ptr<PackedConvolution>(const PlanarConvolution&)>& pack);

}  // namespace patternlite
