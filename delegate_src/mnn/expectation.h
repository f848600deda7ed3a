// Is a convolution expected to run faster here than in MNN?
#pragma once

#include "engine/graph/graph.h"

namespace patternlite::mnn {

// judge() compares with XNNPACK and takes activations for planar. MNN's kernels are as wide as
// `pack` and use Winograd's algorithm, and a layer leaves the planar layout, as far as is known
// when it is created, and enters it unless its input is one of ours. `graph` holds the one
// convolution, of tensors 0 and 1.
bool beats_mnn(const Graph& graph, int pack, bool planar_input);

}  // namespace patternlite::mnn
