// Tensors of which some rows are held at a time: what of them a reader needs, and where it lies.
#pragma once

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"

namespace patternlite {

struct Range {  // of rows or of virtual positions
  int begin, end;
  int count() const { return end - begin; }
};

// The rows that hold these positions.
Range rows_of(Range positions, const PlanarLayout& layout);

// The rows of its input that a window reads, within the image, for these of its output.
Range rows_read(const Window& window, Range output, int input_height);

// The same of a convolution, for rows of the tensor that it writes.
Range rows_read(const Convolution& conv, Range output, int input_height);

// Makes the columns between rows of a plane zero. plane: its row 0, column 0.
void clear_gaps(const PlanarLayout& layout, float* plane, Range rows);

// What PlanarLayout::window must be at least, that these rows can be held, and what
// PackedConvolution::run_rows() may overwrite around them.
int rows_to_hold(Range rows, const PlanarLayout& layout);

// The same for any `count` rows.
int rows_to_hold(int count, const PlanarLayout& layout);

// Floats of a window's memory: whole lines, so that another may lie behind it.
std::size_t floats_to_hold(const PlanarLayout& layout);

// A tensor of which some rows are held, others in time, from above to below.
class RowWindow {
 public:
  // memory: begins with a cache line; of layout.elements() floats.
  RowWindow(const PlanarLayout& layout, float* memory) : layout_(layout), memory_(memory) {}

  // Nothing is held any more.
  void forget() { held_ = {0, 0}; }

  // Goes on to these rows. Returns those yet to be computed, the last ones: the others were held.
  Range advance(Range rows);

  // Where row 0, column 0 of channel 0 would be.
  float* origin() const { return origin(held_); }

  // Other tensors and rows were here before.
  void clear_around() const;
  void clear_gaps(Range rows) const;  // between them

 private:
  float* origin(Range rows) const;
  void move(Range rows, const float* from, float* to) const;

  PlanarLayout layout_;
  float* memory_;
  Range held_{0, 0};
};

}  // namespace patternlite
