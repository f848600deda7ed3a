// A graph as the kernels run it.
#pragma once

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"

namespace patternlite {

// fuse(), then pad_apart(). All convolutions stay, in their order.
Graph rewrite(const Graph& graph);

// What a convolution alone becomes: its window, and how what it reads and writes lies. Borders are
// as wide as the input's, as where layers of one kernel follow one another.
struct LoneConvolution {
  Window window;
  PlanarLayout input, output;
};
LoneConvolution lay_out_alone(const Window& window, const Shape& input, const Shape& output);

}  // namespace patternlite
