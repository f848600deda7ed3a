// What convolutions over neighbouring positions prefetch for the next ones.
#pragma once

#include "engine/graph/graph.h"
#include "kernels/kernels.h"

namespace patternlite {

// Nothing if input and output stay in a second-level cache of common size from layer to layer.
kernels::FetchAhead fetch_ahead(const Window& window, const PlanarLayout& input,
                                const PlanarLayout& output);

}  // namespace patternlite
