// How far apart the rows of the graph's tensors lie.
#pragma once

#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"

namespace patternlite {

// Tensors of one height and width get one border, the widest that any convolution of them needs, so
// that convolutions keep the pitch; those that unpadded ones write may get the pitch of what these
// read.
std::vector<PlanarLayout> lay_out(const Graph& graph);  // [tensors]

// Whether it reads taps above and below where it writes: see PlanarLayout::whole_lines.
bool gains_by_whole_lines(const Convolution& conv);

}  // namespace patternlite
