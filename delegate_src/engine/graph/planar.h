// The planar activation layout: how one image's channels lie in memory.
//
//   plane: | lead: zero rows above | row 0 | gap | row 1 | gap | ... | zero rows below, tail |
//
// Rows are `pitch` floats apart; the gap of `border` or more zero columns serves as the right
// padding of one row and the left padding of the next. A convolution's tap outside the image reads
// a zero. Whatever writes a tensor leaves its borders zero; memory is zeroed once.
#pragma once

#include <cstddef>

namespace patternlite {

struct Shape {
  int channels = 0, height = 0, width = 0;  // one image
  bool operator==(const Shape&) const = default;
  std::size_t elements() const { return static_cast<std::size_t>(channels) * height * width; }
};

// Floats of the widest vector, and of a cache line: so many positions are computed at a time, or
// half as many where that is enough.
inline constexpr int kVector = 16, kHalfVector = kVector / 2;

struct PlanarLayout {
  // Floats behind the last plane that whole-vector loads may touch.
  static constexpr int kSlack = 4 * kVector;

  Shape shape;
  int border = 0;  // zero rows above and below, at least as many zero columns between rows
  int window = 0;  // rows in memory, if it holds a moving part of the tensor; 0: it holds all
  // Each row begins at a cache line, so that taps above one another read as few lines as possible.
  bool whole_lines = false;

  int pitch() const {
    const int least = shape.width + border;
    return whole_lines ? round_up(least, kVector) : least;
  }
  int rows_held() const { return window ? window : shape.height; }
  // Number of virtual positions: those of every row and its gap.
  int positions() const { return shape.height * pitch(); }
  // The same, rounded up to whole vectors.
  int padded_positions() const { return round_up(positions(), kVector); }
  // From the plane's first float to row 0, column 0, which is 64-byte aligned.
  int lead() const { return round_up(border * pitch() + border, kVector); }
  // Floats from one plane to the next: an odd number of 64-byte lines, so that the channels of one
  // position do not fall into one cache set.
  std::size_t plane() const;
  // Floats to allocate: all planes and the slack that whole-vector loads may touch.
  std::size_t elements() const;
  // Whether whole lines add so few positions that convolutions over neighbours gain from them.
  bool close_to_whole_lines() const;
  // Two layouts with equal geometry have their zeros in the same places.
  bool same_geometry(const PlanarLayout& other) const {
    return shape.height == other.shape.height && shape.width == other.shape.width &&
           border == other.border && pitch() == other.pitch();
  }

  static int round_up(int value, int multiple) {
    return (value + multiple - 1) / multiple * multiple;
  }
};

}  // namespace patternlite
