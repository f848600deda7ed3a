// Finds the fastest of a few ways to do the same thing.
#pragma once

#include <functional>
#include <optional>

namespace patternlite {

// `run` does it in the given way, counted from 0, and returns the seconds that it took. Way 0 is
// kept in case of doubt: another one wins only if it is clearly faster. The ways take turns until
// `seconds` are spent, so that other work on the machine affects all alike. Nothing if the time is
// too short to run each once.
std::optional<int> fastest(int ways, double seconds, const std::function<double(int)>& run);

}  // namespace patternlite
