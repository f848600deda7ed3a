#include <algorithm>
#include <cmath>

#include "engine/execute/steps/operator_steps.h"

namespace patternlite {
namespace {

// Stays on one thread: adaptors only bring vectors, with as many values as there are classes.
class SoftmaxStep final : public Step {
 public:
  SoftmaxStep(const Softmax& op, const TensorMemory& memory)
      : beta_(op.beta),
        from_(memory.layouts[op.input]),
        to_(memory.layouts[op.output]),
        input_(memory.at(op.input)),
        output_(memory.at(op.output)) {}

  void run(Parallel&) override {
    for (int y = 0; y < to_.shape.height; ++y) {
      for (int x = 0; x < to_.shape.width; ++x) {
        normalise(input_ + static_cast<std::ptrdiff_t>(y) * from_.pitch() + x,
                  output_ + static_cast<std::ptrdiff_t>(y) * to_.pitch() + x);
      }
    }
  }

 private:
  // For one position. The largest power is 1, so that the sum is finite.
  void normalise(const float* input, float* output) const {
    const int channels = to_.shape.channels;
    const std::size_t from = from_.plane(), to = to_.plane();
    float largest = input[0];
    for (int c = 1; c < channels; ++c) {
      if (beta_ * input[c * from] > beta_ * largest) largest = input[c * from];
    }
    float sum = 0;
    for (int c = 0; c < channels; ++c) {
      output[c * to] = std::exp(beta_ * (input[c * from] - largest));
      sum += output[c * to];
    }
    for (int c = 0; c < channels; ++c) output[c * to] /= sum;
  }

  float beta_;
  PlanarLayout from_, to_;
  const float* input_;
  float* output_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Softmax& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  return std::make_unique<SoftmaxStep>(op, memory);
}

}  // namespace patternlite
