// What this process runs on.
#pragma once

#include <string>

namespace patternlite {

// The CPU's name, with the numbers that tell models apart whose names do not. One line.
const std::string& cpu_model();

}  // namespace patternlite
