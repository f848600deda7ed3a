// Runs packed convolutions on made-up tensors, to see how long they take.
#pragma once

#include "engine/pack/packed_convolution.h"
#include "engine/support/aligned.h"

namespace patternlite {

class Trial {
 public:
  explicit Trial(Parallel& parallel) : parallel_(parallel) {}

  // Seconds of one run.
  double run(const PlanarConvolution& conv, const PackedConvolution& packed);

  // The same where the weights lie beyond the threads' own caches, as in a network: its other
  // layers ran since they were last read. The tensors are near.
  double run_far(const PlanarConvolution& conv, const PackedConvolution& packed);

 private:
  void grow(const PlanarConvolution& conv);

  Parallel& parallel_;
  AlignedVector<float> input_, output_;  // of the largest convolution so far
  AlignedVector<float> others_;          // what stands for the other layers
};

}  // namespace patternlite
