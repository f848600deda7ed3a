// Splits a plane into planes of every second row and column.
#pragma once

#include "kernels/permute.h"

namespace patternlite::kernels::PL_ISA {

// Goes through rows, then planes, upwards, so that what is written beyond a row's last column is
// overwritten.
inline void split_phases(const SplitPhases& split) {
  for (int channel = 0; channel < split.channels; ++channel) {
    for (int phase = 0; phase < split.phases; ++phase) {
      const float* from = split.input + channel * split.input_plane + split.phase[phase].source;
      float* to =
          split.output + (static_cast<size_t>(channel) * split.phases + phase) * split.output_plane;
      const int end = split.row_end + split.phase[phase].more_rows;
      for (int row = split.row_begin; row < end; ++row) {
        const float* x = from + static_cast<ptrdiff_t>(row) * 2 * split.input_pitch;
        float* y = to + static_cast<ptrdiff_t>(row) * split.output_pitch;
        for (int i = 0; i < split.columns; i += kLanes) store(y + i, load_strided<2>(x + 2 * i));
      }
    }
  }
}

}  // namespace patternlite::kernels::PL_ISA
