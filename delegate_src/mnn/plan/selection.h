// Which convolutions the plugin takes, and why it leaves the others to MNN.
#pragma once

#include <memory>
#include <optional>

#include "engine/recognise/decision.h"
#include "mnn/abi/engine_handle.h"
#include "mnn/model/convolution_layer.h"

namespace patternlite::mnn {

struct Selection {
  enum class Choice {
    kStock,
    kOurs,
    kOursInARun,        // ours in a run of layers that pays, as it does not pay alone
    kOursBesideOthers,  // ours if there are zeros to skip in other layers of the model
  };
  Choice choice = Choice::kStock;
  LayerReport report;
  std::shared_ptr<const ConvolutionLayer> layer;  // null: MNN's
  // If moving the tensors here and back costs more than the layer saves: what it saves without
  // that, for each position of its output, in units of moving_cost().
  std::optional<double> gain{};
};

// Who makes a tensor.
enum class Origin {
  kStock,
  kMaybeOurs,  // ours, in our layout, if other layers of the model are kOurs
  kOurs,
};

// `op` must be of type kConvolution or kConvolutionDepthwise. Its tensors' shapes must be known;
// their memory is not needed. `origin`: of the input.
Selection select_convolution(const EngineHandle& engine, const abi::Tensors& inputs,
                             const abi::Tensors& outputs, const abi::Op* op, int pack,
                             Origin origin);

// Sets whether to take, from now on, every convolution that can run here, however little it gains.
void take_all(bool all);

}  // namespace patternlite::mnn
