// Comparing results to the bit.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace patternlite::test {

// All NaNs are one: which of its operands' a sum passes on is the compiler's choice.
inline std::uint32_t bits_of(float x) {
  return std::bit_cast<std::uint32_t>(std::isnan(x) ? std::numeric_limits<float>::quiet_NaN() : x);
}

}  // namespace patternlite::test
