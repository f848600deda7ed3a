// Choices, found by timing where there was time, remembered by the process: a model loaded again is
// not timed again, and gets the same bits.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>

#include "engine/recognise/conv_kernel.h"

namespace patternlite {

using ChosenKernels = std::map<std::uint64_t, ConvKernel>;  // by layer_key()

// The budget, in seconds, of a choice that no larger one would change: one found by timing, or that
// a file makes.
inline constexpr double kSettled = std::numeric_limits<double>::infinity();

// Thread-safe. None where a planner of this budget, in seconds, may find a better one: the choice
// was made untried, for want of time, and by a planner of a smaller budget.
std::optional<ConvKernel> recall_choice(std::uint64_t key, double budget);
// budget: of the planner that left them untried, or kSettled. What a larger one chose stays.
void remember_choices(const ChosenKernels& choices, double budget);
void forget_choices();

}  // namespace patternlite
