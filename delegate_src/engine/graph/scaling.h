// Arithmetic of a map with constants.
#pragma once

#include <optional>
#include <vector>

#include "engine/graph/graph.h"

namespace patternlite {

enum class ArithmeticKind { kAdd, kSubtract, kMultiply, kDivide };

// The scales and shifts of such an operation, whose second operand (or first) has one number for
// each channel; the caller sets tensors and activation. Nothing if it is no scale or shift: numbers
// divided by the map, or a division by a number without a finite reciprocal.
std::optional<Scaling> scaling_by(ArithmeticKind kind, std::vector<float> numbers,
                                  bool numbers_first);

}  // namespace patternlite
