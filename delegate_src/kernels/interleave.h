// Interleaved (NHWC) <-> planar, by 4 x 4 transposes of pixels and channels; RGB images, which
// networks begin with, vector by vector.
#pragma once

#include "kernels/vec.h"

namespace patternlite::kernels::PL_ISA {

// Every third float of three vectors' worth, from `first` on.
PL_INLINE V every_third(V a, V b, V c, int first) {
#ifdef __clang__
  const V from[] = {a, b, c};
  V x;
  PL_UNROLL for (int i = 0; i < kLanes; ++i) {
    x[i] = from[(3 * i + first) / kLanes][(3 * i + first) % kLanes];
  }
  return x;
#else
  VI of_two, with_third;
  PL_UNROLL for (int i = 0; i < kLanes; ++i) {
    const int at = 3 * i + first;
    of_two[i] = min(at, 2 * kLanes - 1);
    with_third[i] = at < 2 * kLanes ? i : at - kLanes;
  }
  return __builtin_shuffle(__builtin_shuffle(a, b, of_two), c, with_third);
#endif
}

// Whole vectors of a row's pixels; returns the first pixel that is left.
inline int rgb_to_planar(const Interleave& image, int y) {
  const float* from = image.input + static_cast<size_t>(y) * image.width * 3;
  float* to = image.output + static_cast<size_t>(y) * image.pitch;
  int x = 0;
  for (; x + kLanes <= image.width; x += kLanes, from += 3 * kLanes, to += kLanes) {
    const V a = load(from), b = load(from + kLanes), c = load(from + 2 * kLanes);
    PL_UNROLL for (int i = 0; i < 3; ++i) store(to + i * image.plane, every_third(a, b, c, i));
  }
  return x;
}

// The last channels of a row, fewer than four, four pixels at a time.
// Each load reads into the pixel behind, so the image's last pixels are left; returns the first
// that is.
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

// The shared walk: quads of pixels and channels, then single elements for what is left over.
template <bool ToPlanar>
void interleave(const Interleave& image) {
  const size_t stride = image.pixel_stride, plane = image.plane;
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
    for (int c = 0; c < quad_channels; c += 4) {
      for (int x = 0; x < quad_width; x += 4) {
        const size_t interleaved = pixels + x * stride + c, planar = c * plane + row + x;
        const size_t from = ToPlanar ? interleaved : planar, from_step = ToPlanar ? stride : plane;
        const size_t to = ToPlanar ? planar : interleaved, to_step = ToPlanar ? plane : stride;
        V4 quad[4];
        PL_UNROLL for (int i = 0; i < 4; ++i) quad[i] =
            load<V4>(image.input + from + i * from_step);
        transpose(quad);
        PL_UNROLL for (int i = 0; i < 4; ++i) store(image.output + to + i * to_step, quad[i]);
      }
      for (int i = 0; i < 4; ++i) {
        for (int x = quad_width; x < image.width; ++x) move_one(c + i, x);
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
