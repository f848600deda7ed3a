#include <algorithm>

#include "engine/execute/steps/operator_steps.h"
#include "engine/support/share_out.h"

namespace patternlite {
namespace {

// Padding that could not be folded into a convolution.
class PadStep final : public Step {
 public:
  PadStep(const Padding& op, const TensorMemory& memory)
      : from_(memory.layouts[op.input]),
        to_(memory.layouts[op.output]),
        input_(memory.at(op.input)),
        output_(memory.at(op.output)),
        top_(op.top),
        left_(op.left) {}

  void run(Parallel& parallel) override {
    share_out(to_.shape.channels, to_.elements(), parallel, [this](int first, int last) {
      for (int c = first; c < last; ++c) pad(input_ + c * from_.plane(), output_ + c * to_.plane());
    });
  }

 private:
  void pad(const float* from, float* to) const {
    const int rows = from_.shape.height, width = from_.shape.width, pitch = to_.pitch();
    const int below = top_ + rows;
    clear_rows(to, 0, top_);
    // Rows with nothing between them are one: a map of one column has thousands.
    if (from_.pitch() == width && pitch == width) {
      std::copy_n(from, rows * width, to + top_ * pitch);
    } else {
      clear_rows(to, top_, below);
      for (int y = 0; y < rows; ++y) {
        std::copy_n(from + y * from_.pitch(), width, to + (top_ + y) * pitch + left_);
      }
    }
    clear_rows(to, below, to_.shape.height);
  }

  void clear_rows(float* plane, int begin, int end) const {
    for (int y = begin; y < end; ++y) std::fill_n(plane + y * to_.pitch(), to_.shape.width, 0.0f);
  }

  const PlanarLayout from_, to_;
  const float* input_;
  float* output_;
  const int top_, left_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Padding& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  return std::make_unique<PadStep>(op, memory);
}

}  // namespace patternlite
