// A planar tensor's geometry, as kernels that go over its elements want it.
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

}  // namespace patternlite
