// Addition, multiplication and scaling on planar tensors. All write real positions only.
#pragma once

#include "kernels/vec.h"

namespace patternlite::kernels::PL_ISA {

template <BinaryKind Kind>
void binary_planes(const Binary& op) {
  for (int c = 0; c < op.planes.channels; ++c) {
    for (int y = 0; y < op.planes.height; ++y) {
      const size_t row = c * op.planes.plane + static_cast<size_t>(y) * op.planes.pitch;
      for (int x = 0; x < op.planes.width; x += kLanes) {
        const V a = load(op.a + row + x), b = load(op.b + row + x);
        const V result = Kind == BinaryKind::kAdd ? a + b : a * b;
        store_part(op.output + row + x, clamp(result, op.low, op.high),
                   min(kLanes, op.planes.width - x));
      }
    }
  }
}

inline void binary(const Binary& op) {
  if (op.kind == BinaryKind::kAdd) return binary_planes<BinaryKind::kAdd>(op);
  binary_planes<BinaryKind::kMultiply>(op);
}

inline void scale(const Scale& op) {
  for (int c = 0; c < op.planes.channels; ++c) {
    const V factor = broadcast(op.scales[c * op.scale_stride]);
    const V shift = op.shifts ? broadcast(op.shifts[c]) : V{};
    for (int y = 0; y < op.planes.height; ++y) {
      const size_t row = c * op.planes.plane + static_cast<size_t>(y) * op.planes.pitch;
      for (int x = 0; x < op.planes.width; x += kLanes) {
        const V result = load(op.input + row + x) * factor + shift;
        store_part(op.output + row + x, clamp(result, op.low, op.high),
                   min(kLanes, op.planes.width - x));
      }
    }
  }
}

}  // namespace patternlite::kernels::PL_ISA
