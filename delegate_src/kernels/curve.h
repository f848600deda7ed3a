// Activations that are more than a clamp, element by element on planar tensors.
#pragma once

#include "kernels/exponential.h"

namespace patternlite::kernels::PL_ISA {

PL_INLINE V sigmoid(V x) {
  const V one = broadcast(1), least = broadcast(kExpLeast), most = broadcast(kExpMost);
  const V y = one / (one + exponential(-(x > most ? most : x)));
  return x < least ? V{} : y;  // so that minus infinity, as a factor, meets zero
}

template <CurveKind Kind>
PL_INLINE V bend(V x, V slope) {
  if constexpr (Kind == CurveKind::kLeakyRelu) return x > V{} ? x : x * slope;
  if constexpr (Kind == CurveKind::kHardSwish) {
    return x * clamp(x + broadcast(3), 0, 6) / broadcast(6);
  }
  if constexpr (Kind == CurveKind::kSigmoid) return sigmoid(x);
  return x * sigmoid(x);
}

template <CurveKind Kind>
void curve_planes(const Curve& curve) {
  const V slope = broadcast(curve.slope);
  for (int c = 0; c < curve.channels; ++c) {
    for (int y = 0; y < curve.height; ++y) {
      const size_t row = c * curve.plane + static_cast<size_t>(y) * curve.pitch;
      for (int x = 0; x < curve.width; x += kLanes) {
        const V bent = bend<Kind>(load(curve.input + row + x), slope);
        store_part(curve.output + row + x, bent, min(kLanes, curve.width - x));
      }
    }
  }
}

inline void curve(const Curve& curve) {
  switch (curve.kind) {
    case CurveKind::kLeakyRelu:
      return curve_planes<CurveKind::kLeakyRelu>(curve);
    case CurveKind::kHardSwish:
      return curve_planes<CurveKind::kHardSwish>(curve);
    case CurveKind::kSigmoid:
      return curve_planes<CurveKind::kSigmoid>(curve);
    case CurveKind::kSilu:
      return curve_planes<CurveKind::kSilu>(curve);
  }
}

}  // namespace patternlite::kernels::PL_ISA
