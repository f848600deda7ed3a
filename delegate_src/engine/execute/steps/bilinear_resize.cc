#include <array>

#include "engine/execute/steps/operator_steps.h"
#include "engine/support/scratch.h"
#include "engine/support/share_out.h"

namespace patternlite {
namespace {

class BilinearResizeStep final : public Step {
 public:
  BilinearResizeStep(const BilinearResize& op, const TensorMemory& memory)
      : op_(op),
        from_(memory.layouts[op.input]),
        to_(memory.layouts[op.output]),
        input_(memory.at(op.input)),
        output_(memory.at(op.output)) {}

  void run(Parallel& parallel) override {
    share_out(to_.shape.channels, to_.elements(), parallel, [this](int first, int last) {
      float* scratch = scratch_of<BilinearResizeStep>(2 * to_.shape.width);
      for (int c = first; c < last; ++c) {
        resize_plane(input_ + c * from_.plane(), output_ + c * to_.plane(), scratch);
      }
    });
  }

 private:
  // Each input row is stretched once; of neighbours, one is even and one odd.
  void resize_plane(const float* plane, float* output, float* scratch) const {
    const int width = to_.shape.width;
    std::array<int, 2> held = {-1, -1};
    const auto stretched = [&](int row) {
      float* to = scratch + row % 2 * width;
      if (held[row % 2] != row) stretch(plane + row * from_.pitch(), to);
      held[row % 2] = row;
      return to;
    };
    for (const auto& [first, second, share] : op_.rows) {
      const float *above = stretched(first), *below = stretched(second);
      for (int x = 0; x < width; ++x) output[x] = above[x] + (below[x] - above[x]) * share;
      output += to_.pitch();
    }
  }

  void stretch(const float* row, float* to) const {
    for (const auto& [first, second, share] : op_.columns) {
      *to++ = row[first] + (row[second] - row[first]) * share;
    }
  }

  const BilinearResize op_;
  const PlanarLayout from_, to_;
  const float* input_;
  float* output_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const BilinearResize& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  return std::make_unique<BilinearResizeStep>(op, memory);
}

}  // namespace patternlite
