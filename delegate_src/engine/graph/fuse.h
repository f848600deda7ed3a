// Graph rewrites that save passes over memory.
#pragma once

#include "engine/graph/graph.h"

namespace patternlite {

// Folds padding into the convolutions that read it, x * sigmoid(x) into SiLU, selections of
// channels into what reads them, curves and activations into what produces their input, residual
// additions into the later of the two convolutions that feed them, pooling of large maps into the
// convolutions that make them, operators of one kind that follow one another into one, and renames
// aliases away. The result computes the same values; tensors that nothing touches any more stay in
// the list.
Graph fuse(const Graph& graph);

}  // namespace patternlite
