// Convolutions whose pads are wide compared with their maps.
#pragma once

#include "engine/graph/graph.h"

namespace patternlite {

// Lets them read a copy of their input with the pads around it. All tensors of one size have the
// same border: a dilation of 12 on 33 pixels would widen every row of all layers of that size by a
// third, and a 3x1 kernel would double the rows of a sequence, which have one column.
// Convolutions with the same input and pads share the copy.
Graph pad_apart(Graph graph);

// Whether pad_apart() would rewrite a convolution of this window.
bool has_wide_pads(const Window& window, const Shape& input, const Shape& output);

// The shape of the copy.
Shape padded_shape(const Window& window, const Shape& input, const Shape& output);

}  // namespace patternlite
