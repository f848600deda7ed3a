// Which weights count as zero.
#pragma once

#include <bit>
#include <cstdint>

namespace patternlite {

// Decided by the bits, because whether a denormal equals 0.0f depends on a thread's mode, and
// threads share weights.
inline bool is_zero(float value) { return (std::bit_cast<std::uint32_t>(value) & 0x7fffffff) == 0; }

}  // namespace patternlite
