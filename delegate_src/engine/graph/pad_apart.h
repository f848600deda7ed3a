// Convolutions whose pads are wide for their maps.
#pragma once

#include "engine/graph/graph.h"

namespace patternlite {

// Lets them read a copy with the pads around it. Planes have one border for all tensors of their
// size: a dilation of 12 on 33 pixels would widen every row of all layers there by a third, and a
// kernel of 3x1 the rows of a sequence, of one column, to twice as much.
// Convolutions of one input and the same pads share the copy.
Graph pad_apart(Graph graph);

// Whether pad_apart() would rewrite a convolution of this window.
bool has_wide_pads(const Window& window, const Shape& input, const Shape& output);

// The shape of the copy.
Shape padded_shape(const Window& window, const Shape& input, const Shape& output);

}  // namespace patternlite
