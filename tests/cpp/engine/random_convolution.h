// Convolutions drawn at random, replicable by their seed.
#pragma once

#include <algorithm>
#include <random>

#include "engine/weight_store.h"
#include "kernels/guarded_buffer.h"

namespace patternlite::test {

struct Case {
  Shape input;
  int filters;
  Window window;
  int pad_bottom = 0, pad_right = 0;
  int groups = 1;  // that divide the filters and the channels
  Pruning pruning;
  int extra_border = 0;
  bool whole_lines = false;  // PlanarLayout's
  bool residual = false;
  Activation activation = Activation::kNone;
  bool depthwise = false, lasting = false, special_values = false;
  Flush flush = Flush::kBack;  // of the tensors
};

inline int draw(std::mt19937& random, int low, int high) {
  return std::uniform_int_distribution<>(low, high)(random);
}

inline Flush random_flush(std::mt19937& random) {
  return draw(random, 0, 1) ? Flush::kFront : Flush::kBack;
}

inline Activation random_activation(std::mt19937& random) {
  return static_cast<Activation>(draw(random, 0, static_cast<int>(Activation::kRelu0To1)));
}

inline Pruning random_pruning(std::mt19937& random) {
  return {.kernels_kept = draw(random, 0, 10) / 10.0,
          .taps = draw(random, 0, 3) ? draw(random, 1, 9) : Pruning{}.taps,
          .shared = 1 << draw(random, 0, 4)};
}

// One direction of a window over an image.
struct Direction {
  int kernel, stride, dilation, before, after, size;
  int reach() const { return (kernel - 1) * dilation; }
  void pad_same() {
    const int total = std::max((size - 1) / stride * stride + reach() + 1 - size, 0);
    before = total / 2, after = total - before;
  }
};

inline Direction random_direction(std::mt19937& random, int kernel, int stride, int dilation) {
  Direction d{kernel, stride, dilation, 0, 0, draw(random, 1, 20)};
  const int reach = d.reach(), paddings = draw(random, 0, 3);
  if (paddings == 0) {  // VALID
    d.size += reach;
  } else if (paddings == 1) {  // any; wider than the window, too, as MNN has them
    const int most = reach + (draw(random, 0, 3) == 0 ? 5 : 0);
    d.before = draw(random, 0, most), d.after = draw(random, 0, most);
    d.size += std::max(0, reach - d.before - d.after);
  } else {
    d.pad_same();
  }
  return d;
}

inline Case random_case(std::mt19937& random) {
  Case c;
  const int kernel = 2 * draw(random, 0, 2) + 1, stride = draw(random, 0, 2) == 0 ? 2 : 1;
  const int dilation = draw(random, 0, 4) == 0 ? 2 : 1;
  Direction h = random_direction(random, kernel, stride, dilation);
  Direction w = random_direction(random, kernel, stride, dilation);
  if (draw(random, 0, 3) == 0) {  // not square
    h = random_direction(random, draw(random, 1, 4), draw(random, 1, 3), draw(random, 1, 2));
  }
  c.input = {draw(random, 1, 21), h.size, w.size};
  c.window = {h.kernel, w.kernel, h.stride, w.stride, h.dilation, w.dilation, h.before, w.before};
  c.pad_bottom = h.after, c.pad_right = w.after;
  c.filters = draw(random, 1, 40);
  c.pruning = random_pruning(random);
  c.extra_border = draw(random, 0, 2);
  c.residual = draw(random, 0, 1);
  c.activation = random_activation(random);
  c.whole_lines = draw(random, 0, 3) == 0;
  c.flush = random_flush(random);
  return c;
}

}  // namespace patternlite::test
