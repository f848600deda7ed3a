// Which of a few ways to do the same takes the least time?
#pragma once

#include <functional>
#include <optional>

namespace patternlite {

// `run` does it in the given way, counted from 0, and returns the seconds it took. Way 0 is the one
// to keep in doubt: another wins only if it is clearly faster. Takes turns, so that what else the
// machine does hits all alike, until `seconds` are spent; none where they do not suffice for each
// to run once.
std::optional<int> fastest(int ways, double seconds, const std::function<double(int)>& run);

}  // namespace patternlite
