#include <algorithm>

#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/over_channels.h"

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
    over_channels(to_.shape.channels, to_.elements(), parallel, [this](int first, int last) {
      for (int c = first; c < last; ++c) {
        for (int y = 0; y < to_.shape.height; ++y) resize_row(c, y);
      }
    });
  }

 private:
  void resize_row(int channel, int y) {
    const std::ptrdiff_t pitch = to_.pitch();
    float* row = output_ + channel * to_.plane() + y * pitch;
    if (y > 0 && op_.rows[y] == op_.rows[y - 1]) {
      std::copy_n(row - pitch, to_.shape.width, row);
      return;
    }
    const float* source =
        input_ + channel * from_.plane() + static_cast<std::ptrdiff_t>(op_.rows[y]) * from_.pitch();
    for (int x = 0; x < to_.shape.width; ++x) row[x] = source[op_.columns[x]];
  }

  Resize op_;
  PlanarLayout from_, to_;
  const float* input_;
  float* output_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Resize& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  return std::make_unique<ResizeStep>(op, memory);
}

}  // namespace patternlite
