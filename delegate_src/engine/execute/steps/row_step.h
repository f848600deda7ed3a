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
    const auto body = [this](int c, int first, int last) {
      write_rows(input_ + c * from_.plane(), first, last, output_ + c * to_.plane());
    };
    share_planes(to_.shape.channels, to_.shape.height, to_.elements(), parallel, body);
  }

 protected:
  // Writes rows `first` to `last` of a channel whose row 0 is at `output`. Other threads may write
  // other rows meanwhile.
  virtual void write_rows(const float* plane, int first, int last, float* output) const = 0;

  const PlanarLayout from_, to_;

 private:
  const float* input_;
  float* output_;
};

}  // namespace patternlite
