// The keys under which choices found by timing are filed.
#pragma once

#include <cstdint>
#include <string>

#include "engine/pack/packed_convolution.h"
#include "engine/recognise/tap_sets.h"

namespace patternlite {

// Everything that timings depend on besides the layer: this engine, the CPU, the kernels. Not the
// threads: every number of them must give the same results, so all use the same choices.
std::string machine_name(const kernels::KernelTable& kernels);

// A layer's shapes, window and layouts, whether a curve or pooling follows, which of its weights
// are zero, and the machine. The values of weights and biases, clamps and the kind of curve do not
// matter to the choice.
std::uint64_t layer_key(const std::string& machine, const PlanarConvolution& conv,
                        const TapSets& taps);

}  // namespace patternlite
