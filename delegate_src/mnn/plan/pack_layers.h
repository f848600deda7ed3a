// Packs a session's convolutions together, so that they share the time for trying kernels.
#pragma once

#include <memory>
#include <vector>

#include "engine/plan/tune_budget.h"
#include "mnn/model/convolution_layer.h"

namespace patternlite::mnn {

struct LayerToPack {
  std::shared_ptr<const ConvolutionLayer> layer;
  // The layer's engine_convolution(), perhaps with an activation or pooling fused into it.
  PlanarConvolution conv;
};

using PackedLayers = std::vector<std::shared_ptr<const PackedLayer>>;

// The packed convolutions, in the order given. A packing that another session or a clone already
// holds is shared. Throws std::invalid_argument if the engine cannot run a layer. Thread-safe.
// budget: the session's, for all the sizes that it will have.
PackedLayers pack_layers(const std::vector<LayerToPack>& layers,
                         const kernels::KernelTable& kernels,
                         const std::shared_ptr<TuneBudget>& budget);

}  // namespace patternlite::mnn
