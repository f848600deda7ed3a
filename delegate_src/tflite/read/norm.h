// What is known about a normalisation before its last operator.
#pragma once

#include <vector>

namespace patternlite::tflite {

struct Norm {
  // Layer normalisation is over each position's channels, instance normalisation over each
  // channel's positions.
  enum class Over { kChannels, kPositions };
  // What has been computed, in the order of the operators.
  enum class Part {
    kMean,
    kNegatedMean,
    kDifferences,
    kSquares,
    kVariance,
    kFactor,
    kScaled,
    kScaledMean,
    kShift
  };

  Part part;
  Over over;
  int node = -1;  // that computes it
  float epsilon = 0;
  std::vector<float> scales = {}, shifts = {};
};

}  // namespace patternlite::tflite
