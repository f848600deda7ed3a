#include "engine/pack/kept_positions.h"

#include <algorithm>

namespace patternlite {

KeptPositions::KeptPositions(const PlanarLayout& layout, int row, float* output, float* scratch)
    : layout_(layout), count_(row * layout.pitch() % kVector), scratch_(scratch) {
  first_ = output + std::ptrdiff_t{row} * layout.pitch() - count_;
  for (int c = 0; c < layout.shape.channels; ++c) {
    std::copy_n(first_ + c * layout.plane(), count_, scratch_ + c * count_);
  }
}

void KeptPositions::put_back() const {
  for (int c = 0; c < layout_.shape.channels; ++c) {
    std::copy_n(scratch_ + c * count_, count_, first_ + c * layout_.plane());
  }
}

std::size_t floats_to_keep(const PlanarLayout& layout) {
  return static_cast<std::size_t>(layout.shape.channels) * (kVector - 1);
}

}  // namespace patternlite
