// Interleaved (NHWC) <-> planar, by 4 x 4 transposes of pixels and channels; RGB images, with which
// networks begin, vector by vector.
#pragma once

#include "kernels/permute.h"

namespace patternlite::kernels::PL_ISA {

// Every third float of three vectors' worth, from `first` on.
PL_INLINE V every_third(V a, V b, V c, int first) {
  VI of_two, with_third;
  PL_UNROLL for (int i = 0; i < kLanes; ++i) {
    const int at = 3 * i + first;
    of_two[i] = min(at, 2 * kLanes - 1);
    with_third[i] = at < 2 * kLanes ? i : at - kLanes;
  }
  return permute(permute(a, b, of_two), c, with_third);
}

// Moves a row of pixels if it is at least as long as a vector; returns how many were moved. All
// stores except the first and the last are aligned, since those that cross a cache line cost twice
// as much.
inline int rgb_to_planar(const Interleave& image, int y) {
  if (image.width < kLanes) return 0;
  const float* from = image.input + static_cast<size_t>(y) * image.width * 3;
  float* to = image.output + static_cast<size_t>(y) * image.pitch;
  const auto move = [&](int x) {
    const float* p = from + static_cast<ptrdiff_t>(x) * 3;
    const V a = load(p), b = load(p + kLanes), c = load(p + 2 * kLanes);
    PL_UNROLL for (int i = 0; i < 3; ++i) store(to + i * image.plane + x, every_third(a, b, c, i));
  };
  move(0);
  const int last = image.width - kLanes;
  const auto behind_line = reinterpret_cast<uintptr_t>(to) / sizeof(float) % kLanes;
  for (int x = kLanes - static_cast<int>(behind_line); x < last; x += kLanes) move(x);
  move(last);
  return image.width;
}

// Moves the last channels of a row, fewer than four, four pixels at a time. Each load reads into
// the next pixel, so the image's last pixels are left; returns the first of them.
inline int rest_to_planar(const Interleave& image, int y, int first_channel) {
  const size_t stride = image.pixel_stride;
  const int pixel = y * image.width, rest = image.channels - first_channel;
  // A pixel whose load of four floats stays inside the image: rest + spare * stride >= 4.
  const int spare = rest == 0 ? 0 : ceil_div(4 - rest, image.pixel_stride);
  const int safe = min(image.width, image.height * image.width - spare - pixel);
  int x = image.channels == 3 && image.pixel_stride == 3 ? rgb_to_planar(image, y) : 0;
  for (; rest > 0 && x + 4 <= safe; x += 4) {
    V4 quad[4];
    for (int i = 0; i < 4; ++i) {
      quad[i] = load<V4>(image.input + (pixel + x + i) * stride + first_channel);
    }
    transpose(quad);
    float* to =
        image.output + first_channel * image.plane + static_cast<size_t>(y) * image.pitch + x;
    for (int i = 0; i < rest; ++i) store(to + i * image.plane, quad[i]);
  }
  return x;
}

// The loop for both directions: quads of pixels and channels, then single elements for the rest.
// Writes are sequential: a plane's row at a time, or a few pixels with all their channels.
template <bool ToPlanar>
void interleave(const Interleave& image) {
  const size_t stride = image.pixel_stride, plane = image.plane;
  const int at_once = ToPlanar ? image.width : 16;
  const int quad_channels = image.channels / 4 * 4, quad_width = image.width / 4 * 4;
  for (int y = 0; y < image.height; ++y) {
    const size_t pixels = static_cast<size_t>(y) * image.width * stride;
    const size_t row = static_cast<size_t>(y) * image.pitch;
    const auto move_one = [&](int c, int x) {
      const size_t interleaved = pixels + x * stride + c, planar = c * plane + row + x;
      if (ToPlanar) {
        image.output[planar] = image.input[interleaved];
      } else {
        image.output[interleaved] = image.input[planar];
      }
    };
    for (int first = 0; first < image.width; first += at_once) {
      const int last = min(first + at_once, image.width);
      for (int c = 0; c < quad_channels; c += 4) {
        int x = first;
        for (; x < min(last, quad_width); x += 4) {
          const size_t interleaved = pixels + x * stride + c, planar = c * plane + row + x;
          const size_t from = ToPlanar ? interleaved : planar,
                       from_step = ToPlanar ? stride : plane;
          const size_t to = ToPlanar ? planar : interleaved, to_step = ToPlanar ? plane : stride;
          V4 quad[4];
          PL_UNROLL for (int i = 0; i < 4; ++i) quad[i] =
              load<V4>(image.input + from + i * from_step);
          transpose(quad);
          PL_UNROLL for (int i = 0; i < 4; ++i) store(image.output + to + i * to_step, quad[i]);
        }
        for (; x < last; ++x) {
          for (int i = 0; i < 4; ++i) move_one(c + i, x);
        }
      }
    }
    const int moved = ToPlanar ? rest_to_planar(image, y, quad_channels) : 0;
    for (int c = quad_channels; c < image.channels; ++c) {
      for (int x = moved; x < image.width; ++x) move_one(c, x);
    }
  }
}

inline void to_planar(const Interleave& image) { interleave<true>(image); }
inline void to_interleaved(const Interleave& image) { interleave<false>(image); }

}  // namespace patternlite::kernels::PL_ISA
