// A planar tensor's geometry, for kernels that go over all of it.
#pragma once

#include "engine/graph/planar.h"
#include "kernels/kernels.h"

namespace patternlite {

inline kernels::Planes planes_of(const PlanarLayout& layout) {
  return {.channels = layout.shape.channels,
          .height = layout.shape.height,
          .width = layout.shape.width,
          .pitch = layout.pitch(),
          .plane = layout.plane()};
}

// The task for the whole image, without the pointers; the other side is dense NHWC.
inline kernels::Interleave interleave_of(const PlanarLayout& layout) {
  return {.input = nullptr,
          .output = nullptr,
          .channels = layout.shape.channels,
          .pixel_stride = layout.shape.channels,
          .height = layout.shape.height,
          .width = layout.shape.width,
          .pitch = layout.pitch(),
          .plane = layout.plane()};
}

}  // namespace patternlite
