// Which convolutions Winograd's algorithm along rows can run, and what it saves.
#pragma once

#include "engine/graph/graph.h"

namespace patternlite {

// The number of taps along a row in a phase (kernels/winograd.h), at least 2.
int winograd_taps(const Window& window);

// Whether the algorithm can run a convolution: not depthwise, few taps along a row, a stride of 1
// or 2, and few enough weights to stay in the caches, since every row of outputs reads them again.
bool winograd_runs(const Window& window, const Shape& input, const Shape& output);

// How many multiplications there are for each one of direct convolution.
double winograd_share(const Window& window);

}  // namespace patternlite
