#include "engine/graph/row_window.h"

#include <algorithm>

namespace patternlite {
namespace {

constexpr int kVector = 16;  // positions that run_rows() may overwrite on either side
constexpr int kUnit = 16;    // rows of any pitch: whole vectors

int rows_around(const PlanarLayout& layout) {
  return (kVector + layout.shape.width - 1) / layout.shape.width;
}

// The row that the memory begins with.
int base_of(Range rows, const PlanarLayout& layout) {
  return std::max(0, rows.begin - rows_around(layout)) / kUnit * kUnit;
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
  return rows.end - base_of(rows, layout) + rows_around(layout);
}

int rows_to_hold(int count, const PlanarLayout& layout) {
  return count + kUnit - 1 + 2 * rows_around(layout);
}

float* window_origin(float* memory, const PlanarLayout& layout, Range rows) {
  return memory + layout.lead() - std::ptrdiff_t{base_of(rows, layout)} * layout.pitch();
}

}  // namespace patternlite
