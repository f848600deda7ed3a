// Whether a convolution is expected to run faster here than in MNN.
#pragma once

#include "engine/graph/graph.h"
#include "engine/recognise/recognise.h"

namespace patternlite::mnn {

// What a convolution saves here, without conversions of tensors, less what the model may err by;
// negative if MNN is faster. In multiply-adds at the core's peak, for each image of a batch. This
// is not judge(), which compares with XNNPACK: MNN's vectors are `pack` wide, and it runs square
// kernels of stride 1 by Winograd's algorithm. `graph`: only this convolution, with tensors 0 and
// 1; `sparsity`: of its weights.
double expected_gain(const Graph& graph, const Sparsity& sparsity, int pack, int batch);

// The cost of converting one of MNN's tensors to the planar layout or back, in the same unit.
double moving_cost(const Shape& shape);

}  // namespace patternlite::mnn
