// The planar layouts of a graph's tensors: how far apart their rows lie.
#pragma once

#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"

namespace patternlite {

// Tensors of one height and width get the same border, the widest that any convolution of them
// needs, so that convolutions read and write at one pitch. What an unpadded convolution writes may
// get the pitch of what it reads.
std::vector<PlanarLayout> lay_out(const Graph& graph);  // [tensors]

// Whether the convolution reads taps above and below its output's positions: see
// PlanarLayout::whole_lines.
bool gains_by_whole_lines(const Convolution& conv);

}  // namespace patternlite
