// Tensors of which only some rows are held at a time: which rows a reader needs, where they lie.
#pragma once

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"

namespace patternlite {

struct Range {  // of rows, or of virtual positions
  int begin, end;
  int count() const { return end - begin; }
};

// The rows in which these positions lie.
Range rows_of(Range positions, const PlanarLayout& layout);

// The rows of the input, within the image, that a window reads for these rows of its output.
Range rows_read(const Window& window, Range output, int input_height);

// The same for a convolution, and rows of the tensor that it writes.
Range rows_read(const Convolution& conv, Range output, int input_height);

// Makes the columns between these rows of a plane zero. plane: its row 0, column 0.
void clear_gaps(const PlanarLayout& layout, float* plane, Range rows);

// The least PlanarLayout::window with which these rows can be held, and what
// PackedConvolution::run_rows() may overwrite around them.
int rows_to_hold(Range rows, const PlanarLayout& layout);

// The same for any `count` rows.
int rows_to_hold(int count, const PlanarLayout& layout);

// Floats of a window's memory: whole cache lines, so that another window can lie behind it.
std::size_t floats_to_hold(const PlanarLayout& layout);

// A tensor of which some rows are held, and other rows later on, moving downwards.
class RowWindow {
 public:
  // memory: layout.elements() floats from the beginning of a cache line.
  RowWindow(const PlanarLayout& layout, float* memory) : layout_(layout), memory_(memory) {}

  // Forgets all rows.
  void forget() { held_ = {0, 0}; }

  // Moves on to these rows. Returns the last ones, which are yet to be computed: the others were
  // held.
  Range advance(Range rows);

  // Where row 0, column 0 of channel 0 would be.
  float* origin() const { return origin(held_); }

  // Clears what other tensors and rows left behind.
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
