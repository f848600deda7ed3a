// Activations as the clamp that kernels apply.
#pragma once

#include <limits>

#include "engine/graph/graph.h"

namespace patternlite {

struct Clamp {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

inline Clamp clamp_of(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return {.low = 0};
    case Activation::kRelu6:
      return {0, 6};
    case Activation::kReluN1To1:
      return {-1, 1};
    case Activation::kRelu0To1:
      return {0, 1};
    case Activation::kNone:
      break;
  }
  return {};
}

}  // namespace patternlite
