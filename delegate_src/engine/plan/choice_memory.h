// Choices of kernels (found by timing if there was time), remembered by the process: a model that
// is loaded again is not timed again, and gives the same bits.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>

#include "engine/recognise/conv_kernel.h"

namespace patternlite {

using ChosenKernels = std::map<std::uint64_t, ConvKernel>;  // by layer_key()

// In place of a budget in seconds, for a choice that no larger budget would change: one found by
// timing, or made by a file.
inline constexpr double kSettled = std::numeric_limits<double>::infinity();

// Thread-safe. None if a planner with this budget, in seconds, may find a better choice: the known
// one was made without timing, for want of time, by a planner with a smaller budget.
std::optional<ConvKernel> recall_choice(std::uint64_t key, double budget);
// budget: that of the planner that left them untimed, or kSettled. Choices made with a larger
// budget stay.
void remember_choices(const ChosenKernels& choices, double budget);
void forget_choices();

}  // namespace patternlite
