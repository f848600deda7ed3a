#include "engine/graph/planar.h"

#include <algorithm>

namespace patternlite {

std::size_t PlanarLayout::plane() const {
  // The zero rows below follow the rows; whole-vector stores may reach up to padded_positions().
  const int held = rows_held() * pitch();
  const int behind = std::max(held + border * pitch() + border, round_up(held, kVector));
  const int lines = round_up(lead() + behind, kVector) / kVector;
  return static_cast<std::size_t>(lines | 1) * kVector;
}

bool PlanarLayout::close_to_whole_lines() const {
  constexpr int kLeast = 14;  // columns without whole lines for each 15 with them
  const int least = shape.width + border;
  return least * (kLeast + 1) >= round_up(least, kVector) * kLeast;
}

std::size_t PlanarLayout::elements() const {
  const std::size_t slack = static_cast<std::size_t>(border * pitch() + border) + kSlack;
  return plane() * shape.channels + slack;
}

}  // namespace patternlite
