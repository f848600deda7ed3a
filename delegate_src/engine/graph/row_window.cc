#include "engine/graph/row_window.h"

#include <algorithm>
#include <cstring>

namespace patternlite {
namespace {

// What run_rows() may overwrite on either side: a vector of positions.
int rows_around(const PlanarLayout& layout) {
  return (kVector + layout.shape.width - 1) / layout.shape.width;
}

// The virtual position at which the memory begins, in whole cache lines, so that each row of the
// image always has the same alignment.
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
  const int none = std::clamp(begin, 0, input_height);
  if (output.count() <= 0) return {none, none};
  const int end = (output.end - 1) * window.stride_h - window.pad_top + reach;
  return {none, std::clamp(end, 0, input_height)};
}

Range rows_read(const Convolution& conv, Range output, int input_height) {
  if (conv.pooling) output = rows_read(conv.pooling->window, output, conv.pooling->input.height);
  return rows_read(conv.window, output, input_height);
}

void clear_gaps(const PlanarLayout& layout, float* plane, Range rows) {
  const int pitch = layout.pitch(), width = layout.shape.width;
  for (int y = rows.begin; y < rows.end; ++y) {
    std::fill_n(plane + std::ptrdiff_t{y} * pitch + width, pitch - width, 0.0f);
  }
}

int rows_to_hold(Range rows, const PlanarLayout& layout) {
  const int pitch = layout.pitch();
  const int positions = rows.end * pitch - base_of(rows, layout);
  return (positions + pitch - 1) / pitch + rows_around(layout);
}

int rows_to_hold(int count, const PlanarLayout& layout) { return count + 3 * rows_around(layout); }

std::size_t floats_to_hold(const PlanarLayout& layout) {
  return (layout.elements() + kVector - 1) / kVector * kVector;
}

Range RowWindow::advance(Range rows) {
  const Range kept{rows.begin, std::clamp(held_.end, rows.begin, rows.end)};
  if (origin(held_) != origin(rows)) move(kept, origin(held_), origin(rows));
  held_ = rows;
  return {kept.end, rows.end};
}

void RowWindow::clear_around() const {
  const int border = layout_.border, pitch = layout_.pitch();
  if (border == 0) return;
  const int above = held_.begin == 0 ? border * pitch + border : border;
  const int below = held_.end == layout_.shape.height ? border * pitch : 0;
  float* row = origin() + std::ptrdiff_t{held_.begin} * pitch;
  for (int c = 0; c < layout_.shape.channels; ++c, row += layout_.plane()) {
    std::fill_n(row - above, above, 0.0f);
    std::fill_n(row + held_.count() * pitch, below, 0.0f);
  }
}

void RowWindow::clear_gaps(Range rows) const {
  for (int c = 0; c < layout_.shape.channels; ++c) {
    patternlite::clear_gaps(layout_, origin() + c * layout_.plane(), rows);
  }
}

float* RowWindow::origin(Range rows) const {
  return memory_ + layout_.lead() - base_of(rows, layout_);
}

void RowWindow::move(Range rows, const float* from, float* to) const {
  const std::ptrdiff_t first = std::ptrdiff_t{rows.begin} * layout_.pitch();
  const std::size_t floats = static_cast<std::size_t>(rows.count()) * layout_.pitch();
  if (floats == 0) return;
  for (int c = 0; c < layout_.shape.channels; ++c) {
    const std::size_t plane = c * layout_.plane();
    std::memmove(to + plane + first, from + plane + first, floats * sizeof(float));
  }
}

}  // namespace patternlite
