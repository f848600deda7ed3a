// Activations that are more than a clamp, element by element on planar tensors.
#pragma once

#include "kernels/exponential.h"
#include "kernels/write_planes.h"

namespace patternlite::kernels::PL_ISA {

PL_INLINE V sigmoid(V x) {
  const V one = broadcast(1);
  return one / (one + exponential(-x));
}

// 2 * sigmoid(2 * x) - 1 would cancel all digits of a small x.
PL_INLINE V tanh(V x) {
  constexpr float kTerms[] = {1, -1.0f / 3, 2.0f / 15, -17.0f / 315};
  const V square = x * x;
  const V large = sigmoid(x + x) * broadcast(2) - broadcast(1);
  return square < broadcast(0.01f) ? x * polynomial(square, kTerms) : large;
}

// Uses erf by Abramowitz and Stegun 7.1.26, with its terms halved; the error is at most |x| * 8e-8.
PL_INLINE V gelu(V x) {
  constexpr float kTerms[] = {0, 0.1274148f, -0.14224837f, 0.71070687f, -0.72657601f, 0.53070271f};
  const V size = x > V{} ? x : -x, one = broadcast(1);
  const V t = one / (one + size * broadcast(0.3275911f * 0.70710678f));
  const V beyond = polynomial(t, kTerms) * exponential(x * x * broadcast(-0.5f));
  return x * (x > V{} ? one - beyond : beyond);
}

// 1 + tanh(x) is 2 * sigmoid(2 * x).
PL_INLINE V tanh_gelu(V x) {
  constexpr float kLinear = 1.59576912f, kCubic = kLinear * 0.044715f;  // 2 * sqrt(2 / pi)
  return x * sigmoid(x * (broadcast(kLinear) + x * x * broadcast(kCubic)));
}

template <CurveKind Kind>
PL_INLINE V bend(V x, V slope) {
  if constexpr (Kind == CurveKind::kLeakyRelu) return x > V{} ? x : x * slope;
  if constexpr (Kind == CurveKind::kHardSwish) {
    return x * (clamp(x + broadcast(3), 0, 6) * broadcast(1.0f / 6));
  }
  if constexpr (Kind == CurveKind::kSigmoid) return sigmoid(x);
  if constexpr (Kind == CurveKind::kTanh) return tanh(x);
  if constexpr (Kind == CurveKind::kGelu) return gelu(x);
  if constexpr (Kind == CurveKind::kTanhGelu) return tanh_gelu(x);
  return x * sigmoid(x);
}

template <CurveKind Kind>
void curve_planes(const Curve& curve) {
  const float* const input = curve.input;
  const float* const slopes = curve.slopes;
  write_planes(curve.planes, curve.output,
               [=](int c, size_t at, int count) __attribute__((always_inline)) {
                 const V slope = Kind == CurveKind::kLeakyRelu ? broadcast(slopes[c]) : V{};
                 return bend<Kind>(load_part(input + at, count), slope);
               });
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
    case CurveKind::kTanh:
      return curve_planes<CurveKind::kTanh>(curve);
    case CurveKind::kGelu:
      return curve_planes<CurveKind::kGelu>(curve);
    case CurveKind::kTanhGelu:
      return curve_planes<CurveKind::kTanhGelu>(curve);
  }
}

}  // namespace patternlite::kernels::PL_ISA
