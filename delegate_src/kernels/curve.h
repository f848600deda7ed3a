// Activations that are more than a clamp, element by element on planar tensors.
#pragma once

#include "kernels/exponential.h"

namespace patternlite::kernels::PL_ISA {

PL_INLINE V sigmoid(V x) {
  const V one = broadcast(1);
  return one / (one + exponential(-x));
}

// 2 * sigmoid(2 * x) - 1 has no digits left of a small x.
PL_INLINE V tanh(V x) {
  constexpr float kTerms[] = {1, -1.0f / 3, 2.0f / 15, -17.0f / 315};
  const V square = x * x;
  const V large = sigmoid(x + x) * broadcast(2) - broadcast(1);
  return square < broadcast(0.01f) ? x * polynomial(square, kTerms) : large;
}

// With erf by Abramowitz and Stegun 7.1.26, whose terms are halved here: within |x| * 8e-8.
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
    return x * clamp(x + broadcast(3), 0, 6) / broadcast(6);
  }
  if constexpr (Kind == CurveKind::kSigmoid) return sigmoid(x);
  if constexpr (Kind == CurveKind::kTanh) return tanh(x);
  if constexpr (Kind == CurveKind::kGelu) return gelu(x);
  if constexpr (Kind == CurveKind::kTanhGelu) return tanh_gelu(x);
  return x * sigmoid(x);
}

// Stores vectors, where masks are used each after the next one has been loaded: the end of a row,
// stored by a mask, counts as whole to a CPU, and in place a load of the row behind it would wait.
class LateStore {
 public:
  // first: where anything may be stored.
  explicit PL_INLINE LateStore([[maybe_unused]] float* first) {
#if PL_LANES == 16
    to_ = first;
#endif
  }
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
    store_part(to_, v_, count_);
#endif
  }

#if PL_LANES == 16
 private:
  V v_{};
  float* to_;
  int count_ = 0;
#endif
};

template <CurveKind Kind>
void curve_planes(const Curve& curve) {
  LateStore late(curve.output);
  for (int c = 0; c < curve.planes.channels; ++c) {
    const V slope = Kind == CurveKind::kLeakyRelu ? broadcast(curve.slopes[c]) : V{};
    for (int y = 0; y < curve.planes.height; ++y) {
      const size_t row = c * curve.planes.plane + static_cast<size_t>(y) * curve.planes.pitch;
      for (int x = 0; x < curve.planes.width; x += kLanes) {
        const int count = min(kLanes, curve.planes.width - x);
        const V bent = bend<Kind>(load_part(curve.input + row + x, count), slope);
        late.put(curve.output + row + x, bent, count);
      }
    }
  }
  late.flush();
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
