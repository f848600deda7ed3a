// What is known of a layer normalisation before its last operator.
#pragma once

#include <vector>

namespace patternlite::tflite {

struct LayerNorm {
  // What has been computed of it, in the order of the operators.
  enum class Part {
    kMean,
    kNegatedMean,
    kSquares,
    kVariance,
    kFactor,
    kScaled,
    kScaledMean,
    kShift
  };

  Part part;
  int node = -1;  // that computes it
  float epsilon = 0;
  std::vector<float> scales = {}, shifts = {};
};

}  // namespace patternlite::tflite
