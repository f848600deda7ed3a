// What random convolutions are made of: weights with planted zeros, images, and the shapes between.
#pragma once

#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/reference.h"
#include "kernels/guarded_buffer.h"

namespace patternlite::test {

Image random_image(Shape shape, std::mt19937& random);

// How the weights of a random convolution are zeroed.
struct Pruning {
  double kernels_kept = 1;                     // connectivity
  int taps = std::numeric_limits<int>::max();  // weights left in a kept kernel, of those it has
  int shared = 1;                              // consecutive filters with the same choices
};

// Owns weights (OHWI) and biases that the views of a graph point to: reading behind them crashes.
class WeightStore {
 public:
  explicit WeightStore(unsigned seed) : random(seed) {}
  // A convolution node's weights and bias, pruned.
  void fill(Convolution& conv, int filters, int channels, Pruning pruning);
  std::mt19937 random;

 private:
  std::vector<std::unique_ptr<GuardedBuffer>> arrays_;
};

// The output's shape for a square-padded window.
Shape window_shape(const Shape& input, int channels, const Window& window, int pad_bottom,
                   int pad_right);

}  // namespace patternlite::test
