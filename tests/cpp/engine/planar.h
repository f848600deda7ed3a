// A planar tensor of the tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <type_traits>
#include <vector>

#include "engine/graph/planar.h"
#include "engine/reference.h"
#include "kernels/guarded_buffer.h"

namespace patternlite::test {

// A planar tensor in poisoned memory, NaN wherever the layout promises no zero, with a guard page
// on the side that `flush` names.
class Planar {
 public:
  explicit Planar(const PlanarLayout& layout, Flush flush = Flush::kBack)
      : layout_(layout), memory_(layout.elements(), flush) {
    for_each([](float& value) { value = NAN; });
  }
  void set(const Image& image) {
    Image copy = image;
    for_each([&, this](float& value, int c, int y, int x) { value = copy.at(c, y, x); });
  }
  Image get() {
    Image image{layout_.shape, std::vector<float>(layout_.shape.elements())};
    for_each([&](float& value, int c, int y, int x) { image.at(c, y, x) = value; });
    return image;
  }
  float* origin() { return memory_.data() + layout_.lead(); }
  // Whether all that is no pixel is zero still.
  bool borders_zero() {
    const std::span all(memory_.data(), memory_.size());
    const std::vector<float> kept(all.begin(), all.end());
    for_each([](float& value) { value = 0; });
    const bool zero = std::ranges::all_of(all, [](float v) { return v == 0; });
    std::ranges::copy(kept, all.begin());
    return zero;
  }

 private:
  template <typename Visit>
  void for_each(Visit visit) {
    for (int c = 0; c < layout_.shape.channels; ++c) {
      for (int y = 0; y < layout_.shape.height; ++y) {
        for (int x = 0; x < layout_.shape.width; ++x) {
          float& value = origin()[c * layout_.plane() + y * layout_.pitch() + x];
          if constexpr (std::is_invocable_v<Visit, float&>) {
            visit(value);
          } else {
            visit(value, c, y, x);
          }
        }
      }
    }
  }
  PlanarLayout layout_;
  GuardedBuffer memory_;
};

}  // namespace patternlite::test
