// Operators that make each row of the output from the input's plane of the same channel.
#pragma once

#include "engine/execute/steps.h"
#include "engine/support/share_out.h"

namespace patternlite {

class RowStep : public Step {
 public:
  RowStep(TensorId input, TensorId output, const TensorMemory& memory)
      : from_(memory.layouts[input]),
        to_(memory.layouts[output]),
        input_(memory.at(input)),
        output_(memory.at(output)) {}

  void run(Parallel& parallel) final {
    share_out(to_.shape.channels, to_.elements(), parallel, [this](int first, int last) {
      for (int c = first; c < last; ++c) {
        float* row = output_ + c * to_.plane();
        for (int y = 0; y < to_.shape.height; ++y, row += to_.pitch()) {
          write_row(input_ + c * from_.plane(), y, row);
        }
      }
    });
  }

 protected:
  // Row `y` of a channel, into `row`; the rows above it are written already.
  virtual void write_row(const float* plane, int y, float* row) const = 0;

  const PlanarLayout from_, to_;

 private:
  const float* input_;
  float* output_;
};

}  // namespace patternlite
