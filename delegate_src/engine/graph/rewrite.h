// Turns a graph into the one that the kernels run.
#pragma once

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"

namespace patternlite {

// fuse(), then pad_apart(). All convolutions stay, in their order.
Graph rewrite(const Graph& graph);

// What a convolution becomes by itself: its window, and the layouts of what it reads and writes.
// Borders are as wide as the input's, as between layers of one kernel size.
struct LoneConvolution {
  Window window;
  PlanarLayout input, output;
};
LoneConvolution lay_out_alone(const Window& window, const Shape& input, const Shape& output);

}  // namespace patternlite
