// Which weights are there.
#pragma once

#include <bit>
#include <cstdint>

namespace patternlite {

// By the bits: whether a denormal equals 0.0f is for each thread to say, and threads share weights.
inline bool is_zero(float value) { return (std::bit_cast<std::uint32_t>(value) & 0x7fffffff) == 0; }

}  // namespace patternlite
