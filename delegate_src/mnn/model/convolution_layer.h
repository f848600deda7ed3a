// A convolution of a model that may run here: what all sessions and their clones share.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/pack/packed_convolution.h"
#include "mnn/model/compressed_weights.h"
#include "mnn/model/operator.h"

namespace patternlite::mnn {

// A convolution packed for its tensors' layouts and what follows it.
struct PackedLayer {
  PlanarLayout input, written;
  Window window;  // the operator's, or another one with a padding folded into it
  Activation activation;
  std::optional<FusedPooling> pooling;
  std::optional<CurveOp> curve;
  const kernels::KernelTable* kernels;
  std::unique_ptr<const PackedConvolution> convolution;
};

class ConvolutionLayer {
 public:
  // weights: [filters][channels that each reads][kernel_h][kernel_w].
  ConvolutionLayer(ConvolutionOp op, const float* weights);

  const ConvolutionOp& op() const { return op_; }
  std::size_t weight_bytes() const { return weights_.bytes(); }

  // The weights, dense, as given to the constructor.
  std::vector<float> weights() const { return weights_.expand(); }

  // The packing for these, if anybody holds one; otherwise null. Thread-safe, like share().
  std::shared_ptr<const PackedLayer> shared(const PlanarConvolution& conv,
                                            const kernels::KernelTable& kernels) const;
  // Lets shared() find it as long as somebody holds it.
  std::shared_ptr<const PackedLayer> share(const PlanarConvolution& conv,
                                           const kernels::KernelTable& kernels,
                                           std::unique_ptr<const PackedConvolution> packed) const;

 private:
  const ConvolutionOp op_;
  const CompressedWeights weights_;
  mutable std::mutex mutex_;
  mutable std::vector<std::weak_ptr<const PackedLayer>> packed_;
};

// The engine's view of an operator with dense weights, or none yet; its tensors are 0 and 1.
Convolution engine_convolution(const ConvolutionOp& op, const Window& window, const float* weights);

}  // namespace patternlite::mnn
