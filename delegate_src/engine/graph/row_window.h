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

// What PlanarLayout::window must be at least, that these rows can be held, and what
// PackedConvolution::run_rows() may overwrite around them.
int rows_to_hold(Range rows, const PlanarLayout& layout);

// The same for any `count` rows.
int rows_to_hold(int count, const PlanarLayout& layout);

// Where row 0, column 0 of channel 0 would be while these rows are held in `memory`.
float* window_origin(float* memory, const PlanarLayout& layout, Range rows);

}  // namespace patternlite
