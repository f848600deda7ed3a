// Runs packed convolutions on made-up tensors to time them.
#pragma once

#include "engine/pack/packed_convolution.h"
#include "engine/support/aligned.h"

namespace patternlite {

class Trial {
 public:
  explicit Trial(Parallel& parallel) : parallel_(parallel) {}

  // Seconds of one run.
  double run(const PlanarConvolution& conv, const PackedConvolution& packed);

  // The same with the weights outside the threads' own caches, as in a network, where other layers
  // run between two uses. The tensors are in the caches.
  double run_far(const PlanarConvolution& conv, const PackedConvolution& packed);

 private:
  void grow(const PlanarConvolution& conv);

  Parallel& parallel_;
  AlignedVector<float> input_, output_;  // of the largest convolution so far
  AlignedVector<float> others_;          // stands for the other layers' weights
};

}  // namespace patternlite
