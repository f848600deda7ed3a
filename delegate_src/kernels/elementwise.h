// Addition, multiplication and scaling on planar tensors. All write real positions only.
#pragma once

#include "kernels/write_planes.h"

namespace patternlite::kernels::PL_ISA {

template <BinaryKind Kind>
void binary_planes(const Binary& op) {
  const float *const left = op.a, *const right = op.b;
  const V low = broadcast(op.low), high = broadcast(op.high);
  write_planes(op.planes, op.output, [=](int, size_t at, int count) __attribute__((always_inline)) {
    const V a = load_part(left + at, count), b = load_part(right + at, count);
    return clamp(Kind == BinaryKind::kAdd ? a + b : a * b, low, high);
  });
}

inline void binary(const Binary& op) {
  if (op.kind == BinaryKind::kAdd) return binary_planes<BinaryKind::kAdd>(op);
  binary_planes<BinaryKind::kMultiply>(op);
}

inline void scale(const Scale& op) {
  const float *const input = op.input, *const scales = op.scales, *const shifts = op.shifts;
  const size_t stride = op.scale_stride;
  const V low = broadcast(op.low), high = broadcast(op.high);
  write_planes(op.planes, op.output,
               [=](int c, size_t at, int count) __attribute__((always_inline)) {
                 const V shift = shifts ? broadcast(shifts[c]) : V{};
                 return clamp(load_part(input + at, count) * broadcast(scales[c * stride]) + shift,
                              low, high);
               });
}

}  // namespace patternlite::kernels::PL_ISA
