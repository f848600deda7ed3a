// Arithmetic of a map and constants.
#pragma once

#include <optional>
#include <vector>

#include "engine/graph/graph.h"

namespace patternlite {

enum class ArithmeticKind { kAdd, kSubtract, kMultiply, kDivide };

// What such an operation does to a map whose other operand, the first one if so, is a number for
// each channel; tensors and activation are the caller's to name. Nothing where that is no scale or
// shift: numbers divided by the map, or a number without a finite reciprocal.
std::optional<Scaling> scaling_by(ArithmeticKind kind, std::vector<float> numbers,
                                  bool numbers_first);

}  // namespace patternlite
