// Graph rewrites that save passes over memory.
#pragma once

#include "engine/graph/graph.h"

namespace patternlite {

// Folds padding into the convolutions that read it, x * sigmoid(x) into SiLU, selections of
// channels into their readers, curves and activations into what produces their input, residual
// additions into the later of the two convolutions that feed them, pooling of large maps into the
// convolutions that make them, and consecutive operators of one kind into one; replaces aliases by
// the tensors they name. The result computes the same values. Tensors that are no longer used stay
// in the list.
Graph fuse(const Graph& graph);

}  // namespace patternlite
