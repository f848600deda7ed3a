// Which instruction set's kernels this process uses.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace patternlite {

// The kernels of the ISA named by force_isa(), or else by the environment variable PATTERNLITE_ISA,
// or else of the newest ISA of this machine. Throws std::invalid_argument, listing the known names,
// for an unknown one.
const kernels::KernelTable& best_kernels();

// The kernels of the ISA with this name; throws like best_kernels().
const kernels::KernelTable& kernels_named(const std::string& name);

// "" returns to the default.
void force_isa(const std::string& name);

// The ISAs that this machine can run, slowest first; and their names joined, for errors.
std::vector<std::string> available_isas();
std::string known_isas();

}  // namespace patternlite
