// 1x1 convolutions of a stride, made stride 1.
#pragma once

#include "engine/graph/graph.h"

namespace patternlite {

// Lets 1x1 convolutions of stride > 1 read a subsampled tensor (a pooling over windows of one), so
// that every kernel can run them. Convolutions of one input and stride share it.
Graph subsample(Graph graph);

// Whether subsample() would rewrite a convolution of this window: not where it reads a pad.
bool is_subsampling(const Window& window, const Shape& input, const Shape& output);

}  // namespace patternlite
