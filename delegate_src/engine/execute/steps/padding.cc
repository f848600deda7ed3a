#include <algorithm>

#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/row_step.h"

namespace patternlite {
namespace {

// Padding that could not be folded into a convolution.
class PadStep final : public RowStep {
 public:
  PadStep(const Padding& op, const TensorMemory& memory)
      : RowStep(op.input, op.output, memory), op_(op) {}

 private:
  void write_row(const float* plane, int y, float* row) const override {
    std::fill_n(row, to_.shape.width, 0.0f);
    const int source = y - op_.top;
    if (source < 0 || source >= from_.shape.height) return;
    std::copy_n(plane + source * from_.pitch(), from_.shape.width, row + op_.left);
  }

  const Padding op_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Padding& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  return std::make_unique<PadStep>(op, memory);
}

}  // namespace patternlite
