// Recognises the sparsity of weights from the zeros alone, never from names or metadata.
#pragma once

#include <string>

#include "engine/graph/graph.h"
#include "engine/recognise/tap_sets.h"

namespace patternlite {

// Patterns are counted no further, since they are of interest only if there are few.
inline constexpr int kMostPatterns = 512;

struct Sparsity {
  std::size_t nonzero = 0;    // weights
  double density = 1;         // non-zero weights / weights
  double kernels_kept = 1;    // kernels with any weight left / kernels
  double record_density = 1;  // the same with each kernel's taps rounded up to whole records of 4
  int patterns = 0;           // distinct tap sets among the kept kernels, kMostPatterns or more
  int max_taps = 0;           // most weights left in one kernel
  int shared_group =
      1;               // largest of 1, 2, 4, 16 such that filters fall into groups with equal taps
  bool finite = true;  // no NaN or Inf among the weights
  bool fully_connected = false;  // has no kernels: kernels_kept counts weights, patterns is 0
};

Sparsity recognise(const TapSets& taps);

// Everything that is learnt about one convolution's weights, by reading them once.
struct Analysis {
  Analysis(const Convolution& conv, const Shape& input, const Shape& output);
  TapSets taps;  // empty for a fully connected layer: it is large, and only its density matters
  Sparsity sparsity;
};

// What the engine decides about a convolution.
enum class Outcome {
  kSparse,    // its zeros are of use to the sparse kernels
  kDense,     // too few of them
  kDeclined,  // it cannot run here
};

// The decision by the weights alone.
Outcome outcome_of(const Sparsity& sparsity);

// The reason code a user reads: "pattern", "sparse-1x1", "sparse-kxk", "sparse-fc",
// "dense:too-few-zeros", "declined:non-finite-weights".
std::string reason_of(const Sparsity& sparsity, const Window& window);

}  // namespace patternlite
