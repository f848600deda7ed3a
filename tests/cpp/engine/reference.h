// A graph run the plainest way, in double precision: what every test of the engine compares with.
#pragma once

#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "engine/graph/graph.h"
#include "kernels/guarded_buffer.h"

namespace patternlite::test {

// One image, NHWC without the N.
struct Image {
  Shape shape;
  std::vector<float> values;
  float& at(int c, int y, int x) {
    return values[(static_cast<std::size_t>(y) * shape.width + x) * shape.channels + c];
  }
  float at(int c, int y, int x) const { return const_cast<Image*>(this)->at(c, y, x); }
};

Image random_image(Shape shape, std::mt19937& random);

// What happens to weights that are zero: it matters where the input is NaN or infinite.
enum class Zeros { kSkip, kMultiply };

std::vector<Image> run_reference(const Graph& graph, const std::vector<Image>& inputs,
                                 Zeros zeros = Zeros::kSkip);

// Largest difference, relative to the reference's largest magnitude. NaN anywhere counts as
// infinite.
double relative_error(const Image& reference, const Image& actual);

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
