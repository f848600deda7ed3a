// The input of a convolution of stride 2 as the output-stationary kernel reads it: every channel
// split into up to four *phases*, planes of every second row and column, with the output's pitch.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "kernels/kernels.h"

namespace patternlite {

class PhaseSplit {
 public:
  // Whether a window has stride 2 along both axes and its phases fit into rows of the output's
  // pitch.
  static bool possible(const Window& window, const PlanarLayout& output);

  PhaseSplit(const Window& window, const PlanarLayout& input, const PlanarLayout& output);

  // Element offset of a tap (channel * area + y * kernel_w + x) in the split input, from the
  // virtual position of its output.
  int tap_offset(int tap) const;

  // Floats of the split input.
  std::size_t floats() const;

  // The task that splits what output rows row_begin .. row_end - 1 read.
  kernels::SplitPhases task(const float* input, float* split, int row_begin, int row_end) const;

 private:
  struct Tap {  // of the window, along both axes
    int phase, offset;
  };
  std::vector<Tap> taps_;
  std::vector<kernels::SplitPhase> phases_;
  PlanarLayout input_, output_;
  std::size_t plane_ = 0;
  int columns_ = 0;  // of a phase's rows, that taps read
};

}  // namespace patternlite
