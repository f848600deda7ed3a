// Should OS kernels fetch the inputs of taps to come?
#pragma once

#include "kernels/kernels.h"

namespace patternlite {

// Of a layer whose input is not in the first-level cache. That differs from CPU to CPU: those that
// are short of loads lose by more of them. Timed once for each process and size: 1 to 4
// milliseconds.
bool fetching_taps_pays(const kernels::KernelTable& kernels, int group_size);

}  // namespace patternlite
