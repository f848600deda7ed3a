// Choices, found by timing where there was time, remembered by the process: a model loaded again is
// not timed again, and gets the same bits.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "engine/recognise/conv_kernel.h"

namespace patternlite {

using ChosenKernels = std::map<std::uint64_t, ConvKernel>;  // by layer_key()

// Thread-safe.
std::optional<ConvKernel> recall_choice(std::uint64_t key);
void remember_choices(const ChosenKernels& choices);
void forget_choices();

}  // namespace patternlite
