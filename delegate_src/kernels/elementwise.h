// Pooling, addition, multiplication and scaling on planar tensors. All write real positions only.
#pragma once

#include "kernels/gather.h"

namespace patternlite::kernels::PL_ISA {

template <PoolKind Kind, class T>
PL_INLINE T pool_combine(T a, T b) {
  if constexpr (Kind == PoolKind::kAverage) return a + b;
  return a > b ? a : b;
}

// The part of a window, `count` cells from `first`, that lies inside an image of `size`.
struct PoolSpan {
  int first, count;
};
PL_INLINE PoolSpan pool_span(int output, int stride, int pad, int kernel, int size) {
  const int first = output * stride - pad;
  const int begin = max(first, 0);
  return {begin, min(first + kernel, size) - begin};
}

template <PoolKind Kind>
PL_INLINE float pool_finish(float x, int cells, const Pool& pool) {
  if (Kind == PoolKind::kAverage) x /= static_cast<float>(cells);
  x = x < pool.low ? pool.low : x;
  return x > pool.high ? pool.high : x;
}

// One output position, whose window may leave the image.
template <PoolKind Kind>
float pool_one(const Pool& pool, const float* plane, PoolSpan rows, int x) {
  const PoolSpan columns =
      pool_span(x, pool.stride_w, pool.pad_left, pool.kernel_w, pool.input_width);
  const float* corner =
      plane + static_cast<ptrdiff_t>(rows.first) * pool.input_pitch + columns.first;
  float sum = Kind == PoolKind::kAverage ? 0.0f : corner[0];
  for (int c = 0; c < columns.count; c += kLanes) {
    V column = load(corner + c);
    for (int r = 1; r < rows.count; ++r) {
      column = pool_combine<Kind>(column,
                                  load(corner + static_cast<ptrdiff_t>(r) * pool.input_pitch + c));
    }
    float cells[kLanes];
    store(cells, column);
    for (int i = 0; i < min(kLanes, columns.count - c); ++i) {
      sum = pool_combine<Kind>(sum, cells[i]);
    }
  }
  return pool_finish<Kind>(sum, rows.count * columns.count, pool);
}

// One vector of columns, combined over the rows of a window.
template <PoolKind Kind>
PL_INLINE V pool_rows(const Pool& pool, const float* top, int rows) {
  V column = load(top);
  for (int r = 1; r < rows; ++r) {
    column = pool_combine<Kind>(column, load(top + static_cast<ptrdiff_t>(r) * pool.input_pitch));
  }
  return column;
}

// Output columns x_begin .. x_end - 1 of a row, whose windows all lie inside the image's columns.
// Size: rows and columns of the window, where known. Rows are combined first: at stride 2 two
// columns of a window then come from the same loads.
template <PoolKind Kind, int Stride, int Size = 0>
void pool_inside(const Pool& pool, const float* plane, PoolSpan span, int x_begin, int x_end,
                 float* output) {
  const int rows = Size ? Size : span.count, columns = Size ? Size : pool.kernel_w;
  const V cells = broadcast(static_cast<float>(rows * columns));
  const float* top = plane + static_cast<ptrdiff_t>(span.first) * pool.input_pitch - pool.pad_left;
  for (int x = x_begin; x < x_end; x += kLanes) {
    const float* corner = top + x * Stride;
    V sum = Kind == PoolKind::kAverage ? V{} : broadcast(-__builtin_inff());
    int c = 0;
    if constexpr (Stride == 2) {
      for (; c + 1 < columns; c += 2) {
        const V low = pool_rows<Kind>(pool, corner + c, rows);
        const V high = pool_rows<Kind>(pool, corner + c + kLanes, rows);
        sum = pool_combine<Kind>(sum, every_second<0>(low, high));
        sum = pool_combine<Kind>(sum, every_second<1>(low, high));
      }
    }
    for (; c < columns; ++c) {
      V column = pool_rows<Kind>(pool, corner + c, rows);
      if constexpr (Stride == 2) {
        column =
            every_second_overlapping(column, pool_rows<Kind>(pool, corner + c + kLanes - 1, rows));
      }
      sum = pool_combine<Kind>(sum, column);
    }
    if (Kind == PoolKind::kAverage) sum /= cells;
    store_part(output + x, clamp(sum, pool.low, pool.high), min(kLanes, x_end - x));
  }
}

// The same for windows of 3x3 at stride 2: each column is loaded once.
template <PoolKind Kind>
void pool_threes(const Pool& pool, const float* plane, PoolSpan span, int x_begin, int x_end,
                 float* output) {
  const float* corner =
      plane + static_cast<ptrdiff_t>(span.first) * pool.input_pitch - pool.pad_left + 2 * x_begin;
  V low = pool_rows<Kind>(pool, corner, 3);
  for (int x = x_begin; x < x_end; x += kLanes) {
    const V high = pool_rows<Kind>(pool, corner + kLanes, 3);
    corner += 2 * kLanes;
    const V next = pool_rows<Kind>(pool, corner, 3);
    const V even = every_second<0>(low, high);
    V sum = pool_combine<Kind>(even, every_second<1>(low, high));
    sum = pool_combine<Kind>(sum, from_second(even, next));
    if (Kind == PoolKind::kAverage) sum /= broadcast(9.0f);
    store_part(output + x, clamp(sum, pool.low, pool.high), min(kLanes, x_end - x));
    low = next;
  }
}

// The instance for this window.
template <PoolKind Kind>
PL_INLINE auto pool_inside_of(const Pool& pool, int rows) {
  if (pool.stride_w == 1) return &pool_inside<Kind, 1>;
  if (rows == 2 && pool.kernel_w == 2) return &pool_inside<Kind, 2, 2>;
  if (rows == 3 && pool.kernel_w == 3) return &pool_threes<Kind>;
  return &pool_inside<Kind, 2>;
}

template <PoolKind Kind>
void pool_plane(const Pool& pool, const float* input, float* output) {
  // Columns left of `inside` start in the padding, those from `outside` on end in it.
  const int inside = min(ceil_div(max(pool.pad_left, 0), pool.stride_w), pool.output_width);
  const int last = pool.input_width - pool.kernel_w + pool.pad_left;
  const int outside = max(inside, min(last < 0 ? 0 : last / pool.stride_w + 1, pool.output_width));
  const bool vectors = pool.stride_w <= 2 && pool.output_width > 1;
  for (int y = 0; y < pool.output_height; ++y) {
    const PoolSpan rows =
        pool_span(y, pool.stride_h, pool.pad_top, pool.kernel_h, pool.input_height);
    float* row = output + static_cast<ptrdiff_t>(y) * pool.output_pitch;
    for (int x = 0; x < pool.output_width; ++x) {
      if (vectors && x == inside) x = outside;
      if (x < pool.output_width) row[x] = pool_one<Kind>(pool, input, rows, x);
    }
    if (vectors) pool_inside_of<Kind>(pool, rows.count)(pool, input, rows, inside, outside, row);
  }
}

inline void pool(const Pool& pool) {
  for (int c = 0; c < pool.channels; ++c) {
    const float* input = pool.input + c * pool.input_plane;
    float* output = pool.output + c * pool.output_plane;
    if (pool.kind == PoolKind::kMax) {
      pool_plane<PoolKind::kMax>(pool, input, output);
    } else {
      pool_plane<PoolKind::kAverage>(pool, input, output);
    }
  }
}

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
