#include <array>

#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/row_step.h"
#include "engine/support/scratch.h"

namespace patternlite {
namespace {

class BilinearResizeStep final : public RowStep {
 public:
  BilinearResizeStep(const BilinearResize& op, const TensorMemory& memory)
      : RowStep(op.input, op.output, memory), op_(op) {}

 private:
  // Each input row is stretched once, into one of two buffers, by whether it is even or odd.
  void write_rows(const float* plane, int first, int last, float* output) const override {
    const int width = to_.shape.width;
    float* scratch = scratch_of<BilinearResizeStep>(2 * width);
    std::array<int, 2> held = {-1, -1};
    const auto stretched = [&](int row) {
      float* to = scratch + row % 2 * width;
      if (held[row % 2] != row) stretch(plane + row * from_.pitch(), to);
      held[row % 2] = row;
      return to;
    };
    for (int y = first; y < last; ++y) {
      const float *above = stretched(op_.rows[y].first), *below = stretched(op_.rows[y].second);
      const float share = op_.rows[y].share;
      float* row = output + std::ptrdiff_t{y} * to_.pitch();
      for (int x = 0; x < width; ++x) row[x] = above[x] + (below[x] - above[x]) * share;
    }
  }

  void stretch(const float* row, float* to) const {
    for (const auto& [first, second, share] : op_.columns) {
      *to++ = row[first] + (row[second] - row[first]) * share;
    }
  }

  const BilinearResize op_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const BilinearResize& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  return std::make_unique<BilinearResizeStep>(op, memory);
}

}  // namespace patternlite
