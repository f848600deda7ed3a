#include <algorithm>

#include "engine/execute/steps/operator_steps.h"
#include "engine/support/share_out.h"

namespace patternlite {
namespace {

class ResizeStep final : public Step {
 public:
  ResizeStep(const Resize& op, const TensorMemory& memory)
      : op_(op),
        from_(memory.layouts[op.input]),
        to_(memory.layouts[op.output]),
        input_(memory.at(op.input)),
        output_(memory.at(op.output)) {}

  void run(Parallel& parallel) override {
    share_out(to_.shape.channels, to_.elements(), parallel, [this](int first, int last) {
      for (int c = first; c < last; ++c) {
        float* row = output_ + c * to_.plane();
        for (int y = 0; y < to_.shape.height; ++y, row += to_.pitch()) {
          write_row(input_ + c * from_.plane(), y, row);
        }
      }
    });
  }

 private:
  // The rows above it are written already.
  void write_row(const float* plane, int y, float* row) const {
    if (y > 0 && op_.rows[y] == op_.rows[y - 1]) {
      std::copy_n(row - to_.pitch(), to_.shape.width, row);
      return;
    }
    const float* source = plane + op_.rows[y] * from_.pitch();
    for (int x = 0; x < to_.shape.width; ++x) row[x] = source[op_.columns[x]];
  }

  const Resize op_;
  const PlanarLayout from_, to_;
  const float* input_;
  float* output_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Resize& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  return std::make_unique<ResizeStep>(op, memory);
}

}  // namespace patternlite
