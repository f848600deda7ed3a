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
  void write_rows(const float* plane, int first, int last, float* output) const override {
    const int width = from_.shape.width, pitch = to_.pitch();
    const int begin = std::clamp(op_.top, first, last);
    const int end = std::clamp(op_.top + from_.shape.height, first, last);
    clear_rows(output, first, begin);
    // Rows with nothing between them are copied as one: a map of one column has thousands.
    if (from_.pitch() == width && pitch == width) {
      std::copy_n(plane + (begin - op_.top) * width, (end - begin) * width, output + begin * pitch);
    } else {
      clear_rows(output, begin, end);
      for (int y = begin; y < end; ++y) {
        const float* row = plane + std::ptrdiff_t{y - op_.top} * from_.pitch();
        std::copy_n(row, width, output + std::ptrdiff_t{y} * pitch + op_.left);
      }
    }
    clear_rows(output, end, last);
  }

  void clear_rows(float* plane, int begin, int end) const {
    for (int y = begin; y < end; ++y) {
      std::fill_n(plane + std::ptrdiff_t{y} * to_.pitch(), to_.shape.width, 0.0f);
    }
  }

  const Padding op_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Padding& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  return std::make_unique<PadStep>(op, memory);
}

}  // namespace patternlite
