// Convolutions that read and write at equal positions: both tensors' rows are equally far apart.
#pragma once

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"

namespace patternlite {

// Whether a tap is at the same distance from every virtual position of the output, and lies within
// the input's memory for all of them.
inline bool keeps_positions(const Window& window, const PlanarLayout& input,
                            const PlanarLayout& output) {
  const int beyond = (window.kernel_w - 1) * window.dilation_w - window.pad_left;
  return !window.strided() && input.pitch() == output.pitch() &&
         beyond <= input.border + PlanarLayout::kSlack - kVector;  // of the columns between rows
}

// Whether the output should have the pitch of the input: it must not be wider, and the columns by
// which it is narrower must be few. They become border, and a border is as high as it is wide.
inline bool may_keep_pitch(const Window& window, const Shape& input, const Shape& output) {
  constexpr int kLeastHeight = 4;  // of the output, in such columns
  const int narrower = input.width - output.width;
  return !window.strided() && narrower >= 0 && narrower * kLeastHeight <= output.height;
}

// The layout of a map at the pitch of a tensor that is at least as wide.
inline PlanarLayout at_pitch_of(const PlanarLayout& tensor, const Shape& map) {
  return {.shape = map,
          .border = tensor.shape.width + tensor.border - map.width,
          .whole_lines = tensor.whole_lines};
}

}  // namespace patternlite
