// What convolutions over neighbouring positions fetch for the next ones.
#pragma once

#include "engine/graph/graph.h"
#include "kernels/kernels.h"

namespace patternlite {

// Nothing, where input and output stay in the second-level cache from layer to layer.
kernels::FetchAhead fetch_ahead(const Window& window, const PlanarLayout& input,
                                const PlanarLayout& output);

}  // namespace patternlite
