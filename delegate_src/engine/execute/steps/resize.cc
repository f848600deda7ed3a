#include <algorithm>

#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/row_step.h"

namespace patternlite {
namespace {

class ResizeStep final : public RowStep {
 public:
  ResizeStep(const Resize& op, const TensorMemory& memory)
      : RowStep(op.input, op.output, memory), op_(op) {}

 private:
  void write_rows(const float* plane, int first, int last, float* output) const override {
    for (int y = first; y < last; ++y) {
      float* row = output + std::ptrdiff_t{y} * to_.pitch();
      if (y > first && op_.rows[y] == op_.rows[y - 1]) {
        std::copy_n(row - to_.pitch(), to_.shape.width, row);
        continue;
      }
      const float* source = plane + op_.rows[y] * from_.pitch();
      for (int x = 0; x < to_.shape.width; ++x) row[x] = source[op_.columns[x]];
    }
  }

  const Resize op_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Resize& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  return std::make_unique<ResizeStep>(op, memory);
}

}  // namespace patternlite
