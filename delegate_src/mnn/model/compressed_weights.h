// A convolution's weights between packings: the non-zero ones and where they stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace patternlite::mnn {

// For a new input size the weights must be packed again, but MNN frees its own. At the densities of
// pruned networks, keeping them dense would take four times the memory.
class CompressedWeights {
 public:
  CompressedWeights(const float* weights, std::size_t count);
  std::vector<float> expand() const;
  std::size_t bytes() const {
    return present_.size() * sizeof(present_[0]) + nonzero_.size() * sizeof(float);
  }

 private:
  std::size_t count_;
  std::vector<std::uint64_t> present_;  // one bit per weight
  std::vector<float> nonzero_;
};

}  // namespace patternlite::mnn
