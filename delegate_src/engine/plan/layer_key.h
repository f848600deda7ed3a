// What a choice found by timing is filed under.
#pragma once

#include <cstdint>
#include <string>

#include "engine/pack/packed_convolution.h"
#include "engine/recognise/tap_sets.h"

namespace patternlite {

// All that timings depend on besides the layer: this engine, the CPU, the kernels. Not the
// threads: every number of them gives the same results, so all use the same choices.
std::string machine_name(const kernels::KernelTable& kernels);

// Shapes, window, layouts, whether the sums are bent or pooled, and which weights are zero, on that
// machine. The weights' values, biases, clamps and which curve do not matter to the choice.
std::uint64_t layer_key(const std::string& machine, const PlanarConvolution& conv,
                        const TapSets& taps);

}  // namespace patternlite
