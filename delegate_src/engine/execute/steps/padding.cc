#include <algorithm>

#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/over_channels.h"

namespace patternlite {
namespace {

// Padding that could not be folded into a convolution.
class PadStep final : public Step {
 public:
  PadStep(const Padding& op, const TensorMemory& memory)
      : op_(op),
        from_(memory.layouts[op.input]),
        to_(memory.layouts[op.output]),
        input_(memory.at(op.input)),
        output_(memory.at(op.output)) {}

  void run(Parallel& parallel) override {
    over_channels(to_.shape.channels, to_.elements(), parallel, [this](int first, int last) {
      for (int c = first; c < last; ++c) {
        for (int y = 0; y < to_.shape.height; ++y) pad_row(c, y);
      }
    });
  }

 private:
  void pad_row(int channel, int y) {
    float* row = output_ + channel * to_.plane() + static_cast<std::ptrdiff_t>(y) * to_.pitch();
    std::fill_n(row, to_.shape.width, 0.0f);
    const int source = y - op_.top;
    if (source < 0 || source >= from_.shape.height) return;
    std::copy_n(
        input_ + channel * from_.plane() + static_cast<std::ptrdiff_t>(source) * from_.pitch(),
        from_.shape.width, row + op_.left);
  }

  Padding op_;
  PlanarLayout from_, to_;
  const float* input_;
  float* output_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Padding& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  return std::make_unique<PadStep>(op, memory);
}

}  // namespace patternlite
