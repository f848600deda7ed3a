// The machine that this process runs on.
#pragma once

#include <cstddef>
#include <string>

namespace patternlite {

// The CPU's name, with the numbers that tell models of the same name apart, in one line.
const std::string& cpu_model();

// Bytes of a core's caches (the first-level one for data); guesses if the system does not tell.
std::size_t first_level_cache();
std::size_t second_level_cache();

}  // namespace patternlite
