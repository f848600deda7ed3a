// Is a convolution expected to run faster here than in MNN?
#pragma once

#include "engine/graph/graph.h"

namespace patternlite::mnn {

enum class Expectation {
  kSlower,
  kFasterIfReadHere,  // where nobody but our layers reads the output, which MNN is not handed then
  kFaster
};

// judge() compares with XNNPACK and takes activations for planar. MNN's kernels are as wide as
// `pack` and use Winograd's algorithm, and a layer enters the planar layout unless its input is one
// of ours. `graph` holds the one convolution, of tensors 0 and 1.
Expectation expectation(const Graph& graph, int pack, bool planar_input);

}  // namespace patternlite::mnn
