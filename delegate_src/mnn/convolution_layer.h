// One sparse convolution of a model: what all sessions and their clones share.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "engine/pack/packed_convolution.h"
#include "mnn/compressed_weights.h"
#include "mnn/operator.h"

namespace patternlite::mnn {

// A convolution packed for one size of its input.
struct PackedLayer {
  PlanarLayout input, output;
  const kernels::KernelTable* kernels;
  std::unique_ptr<const PackedConvolution> convolution;
};

class ConvolutionLayer {
 public:
  // weights: [filters][channels][kernel_h][kernel_w].
  ConvolutionLayer(ConvolutionOp op, const float* weights);

  // The packing for these shapes, shared with whoever holds it already. Throws
  // std::invalid_argument if the engine cannot run them. Thread-safe.
  std::shared_ptr<const PackedLayer> pack(const Shape& input, const Shape& output) const;

 private:
  std::shared_ptr<const PackedLayer> pack_anew(const Shape& input, const Shape& output) const;

  const ConvolutionOp op_;
  const CompressedWeights weights_;
  mutable std::mutex mutex_;
  mutable std::vector<std::weak_ptr<const PackedLayer>> packed_;
};

// The engine's view of an operator with dense weights; tensors 0 and 1.
Convolution engine_convolution(const ConvolutionOp& op, const Window& window, const float* weights);

}  // namespace patternlite::mnn
