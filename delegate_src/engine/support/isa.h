// Which kernels this process uses.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace patternlite {

// The newest ISA of this machine, or the one that force_isa() or else the environment variable
// PATTERNLITE_ISA names. Throws std::invalid_argument, listing the names there are, for an unknown
// one.
const kernels::KernelTable& best_kernels();

// The table of that name; throws like best_kernels().
const kernels::KernelTable& kernels_named(const std::string& name);

// "" returns to the default.
void force_isa(const std::string& name);

// Names this machine can run, slowest first; and joined, for errors.
std::vector<std::string> available_isas();
std::string known_isas();

}  // namespace patternlite
