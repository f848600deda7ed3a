// Is a convolution expected to run faster here than in MNN?
#pragma once

#include "engine/graph/graph.h"

namespace patternlite::mnn {

// Multiply-adds of one lane that a convolution saves here, tensors being where they are wanted, and
// less what the model may err by. judge() compares with XNNPACK; MNN's kernels are as wide as
// `pack` and use Winograd's algorithm. `graph` holds the one convolution, of tensors 0 and 1; all
// is for each image of a batch.
double expected_gain(const Graph& graph, int pack, int batch);

// What it takes to bring a tensor of MNN's to the planar layout or back, in the same unit.
double moving_cost(const Shape& shape);

}  // namespace patternlite::mnn
