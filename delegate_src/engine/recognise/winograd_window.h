// Which convolutions Winograd's algorithm along rows can run, and what it saves.
#pragma once

#include "engine/graph/graph.h"

namespace patternlite {

// Taps along a row that a phase has (kernels/winograd.h), at least 2.
int winograd_taps(const Window& window);

// Not depthwise: few taps along a row, a stride of 1 or 2, and few enough weights to stay in the
// caches, since they are read again for every row of outputs.
bool winograd_runs(const Window& window, const Shape& input, const Shape& output);

// Multiplications that are left of each that the plain algorithm makes.
double winograd_share(const Window& window);

}  // namespace patternlite
