#include "engine/graph/row_window.h"

#include <algorithm>

namespace patternlite {
namespace {

constexpr int kVector = 16;  // positions that run_rows() may overwrite on either side

int rows_around(const PlanarLayout& layout) {
  return (kVector + layout.shape.width - 1) / layout.shape.width;
}

// The virtual position that the memory begins with: whole lines, so that every row of the image
// always lies equally aligned.
int base_of(Range rows, const PlanarLayout& layout) {
  const int first = std::max(0, rows.begin - rows_around(layout)) * layout.pitch();
  return first / kVector * kVector;
}

}  // namespace

Range rows_of(Range positions, const PlanarLayout& layout) {
  const int pitch = layout.pitch();
  return {positions.begin / pitch,
          std::min((positions.end + pitch - 1) / pitch, layout.shape.height)};
}

Range rows_read(const Window& window, Range output, int input_height) {
  const int reach = (window.kernel_h - 1) * window.dilation_h + 1;
  const int begin = output.begin * window.stride_h - window.pad_top;
  const int end = (output.end - 1) * window.stride_h - window.pad_top + reach;
  return {std::clamp(begin, 0, input_height), std::clamp(end, 0, input_height)};
}

int rows_to_hold(Range rows, const PlanarLayout& layout) {
  const int pitch = layout.pitch();
  const int positions = rows.end * pitch - base_of(rows, layout);
  return (positions + pitch - 1) / pitch + rows_around(layout);
}

int rows_to_hold(int count, const PlanarLayout& layout) { return count + 3 * rows_around(layout); }

float* window_origin(float* memory, const PlanarLayout& layout, Range rows) {
  return memory + layout.lead() - base_of(rows, layout);
}

}  // namespace patternlite
