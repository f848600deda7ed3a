// Elementwise operators: go through the rows of planes, a vector at a time.
#pragma once

#include "kernels/narrow_plane.h"

namespace patternlite::kernels::PL_ISA {

// Stores the end of a row only after the next vector has been loaded: to a CPU, a masked store
// covers the whole vector, so that in place a load of the next row would wait for it.
class LateStore {
 public:
  PL_INLINE void put(float* to, V v, int count) {
#if PL_LANES == 16
    flush();
    to_ = to;
    v_ = v;
    count_ = count;
#else
    store_part(to, v, count);
#endif
  }
  PL_INLINE void flush() {
#if PL_LANES == 16
    if (count_ > 0) store_part(to_, v_, count_);
    count_ = 0;
#endif
  }

#if PL_LANES == 16
 private:
  V v_{};
  float* to_ = nullptr;
  int count_ = 0;
#endif
};

// Not inline, for there are not enough registers for the constants of two loops everywhere.
template <class Make>
__attribute__((noinline)) void write_narrow_planes(const Planes planes, float* output,
                                                   const Make make) {
  const NarrowPlane narrow(planes.height, planes.width, planes.pitch);
  for (int c = 0; c < planes.channels; ++c) {
    const size_t plane = c * planes.plane;
    narrow.for_each_vector([&](int at, int count, Lanes<V> lanes) __attribute__((always_inline)) {
      lanes.put(output + plane + at, make(c, plane + at, count), count);
    });
  }
}

// output = make(c, at, count): `count` elements of channel `c`, from `at` on in all of its planes.
// Writes real positions only; the output may be what `make` loads.
template <class Make>
PL_INLINE void write_planes(const Planes planes, float* output, const Make& make) {
  if (NarrowPlane::pays(planes.height, planes.width, planes.pitch)) {
    return write_narrow_planes(planes, output, make);
  }
  LateStore late;
  for (int c = 0; c < planes.channels; ++c) {
    for (int y = 0; y < planes.height; ++y) {
      const size_t row = c * planes.plane + static_cast<size_t>(y) * planes.pitch;
      int x = 0;
      if constexpr (kRegisters > 16) {  // enough for the constants of two loops
        for (; x + kLanes <= planes.width; x += kLanes) {
          const V v = make(c, row + x, kLanes);
          late.flush();
          store(output + row + x, v);
        }
      }
      for (; x < planes.width; x += kLanes) {
        const int count = min(kLanes, planes.width - x);
        late.put(output + row + x, make(c, row + x, count), count);
      }
    }
  }
  late.flush();
}

}  // namespace patternlite::kernels::PL_ISA
