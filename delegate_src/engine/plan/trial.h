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

 private:
  Parallel& parallel_;
  AlignedVector<float> input_, output_;  // of the largest convolution so far
};

}  // namespace patternlite
