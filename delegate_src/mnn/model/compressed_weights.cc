#include "mnn/model/compressed_weights.h"

#include <algorithm>
#include <bit>

namespace patternlite::mnn {

CompressedWeights::CompressedWeights(const float* weights, std::size_t count)
    : count_(count), present_((count + 63) / 64) {
  nonzero_.reserve(count - std::count(weights, weights + count, 0.0f));
  for (std::size_t i = 0; i < count; ++i) {
    if (weights[i] != 0.0f) {
      present_[i / 64] |= std::uint64_t{1} << (i % 64);
      nonzero_.push_back(weights[i]);
    }
  }
}

std::vector<float> CompressedWeights::expand() const {
  std::vector<float> weights(count_);
  std::size_t next = 0;
  for (std::size_t word = 0; word < present_.size(); ++word) {
    for (std::uint64_t bits = present_[word]; bits != 0; bits &= bits - 1) {
      weights[word * 64 + std::countr_zero(bits)] = nonzero_[next++];
    }
  }
  return weights;
}

}  // namespace patternlite::mnn
