// Is a convolution expected to run faster here than in MNN?
#pragma once

#include "engine/graph/graph.h"
#include "engine/recognise/recognise.h"

namespace patternlite::mnn {

// What a convolution saves here, tensors being where they are wanted, less what the model may err
// by; negative where MNN is faster. In multiply-adds at the core's peak, for each image of a batch.
// judge() compares with XNNPACK; MNN's vectors are `pack` wide, and square kernels of stride 1 run
// by Winograd's algorithm there. `graph` holds the one convolution, of tensors 0 and 1; `sparsity`:
// of its weights.
double expected_gain(const Graph& graph, const Sparsity& sparsity, int pack, int batch);

// What it takes to bring a tensor of MNN's to the planar layout or back, in the same unit.
double moving_cost(const Shape& shape);

}  // namespace patternlite::mnn
