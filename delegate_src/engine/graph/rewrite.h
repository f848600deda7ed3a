// A graph as the kernels run it.
#pragma once

#include "engine/graph/graph.h"

namespace patternlite {

// fuse(), then pad_apart(). All convolutions stay, in their order.
Graph rewrite(const Graph& graph);

// What a convolution alone becomes: its window, and the shape of what it reads.
struct Reading {
  Window window;
  Shape input;
};
Reading rewritten(const Window& window, const Shape& input, const Shape& output);

}  // namespace patternlite
