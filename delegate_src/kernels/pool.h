// Pooling of planar tensors. Writes real positions only.
#pragma once

#include "kernels/narrow_plane.h"
#include "kernels/permute.h"

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
  return clamp(x, pool.low, pool.high);
}

// Combines the first `count` lanes.
template <PoolKind Kind>
PL_INLINE float pool_lanes(V v, int count) {
  if constexpr (Kind == PoolKind::kAverage) return horizontal_sum(first_lanes(v, count));
  float lanes[kLanes];
  store(lanes, v);
  float most = lanes[0];
  for (int i = 1; i < count; ++i) most = pool_combine<Kind>(most, lanes[i]);
  return most;
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

// One output position; its window may reach beyond the image.
template <PoolKind Kind>
float pool_one(const Pool& pool, const float* plane, PoolSpan rows, int x) {
  const PoolSpan columns =
      pool_span(x, pool.stride_w, pool.pad_left, pool.kernel_w, pool.input_width);
  const float* corner =
      plane + static_cast<ptrdiff_t>(rows.first) * pool.input_pitch + columns.first;
  float sum = Kind == PoolKind::kAverage ? 0.0f : corner[0];
  for (int c = 0; c < columns.count; c += kLanes) {
    const V column = pool_rows<Kind>(pool, corner + c, rows.count);
    sum = pool_combine<Kind>(sum, pool_lanes<Kind>(column, min(kLanes, columns.count - c)));
  }
  return pool_finish<Kind>(sum, rows.count * columns.count, pool);
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

// A row of columns that are combined over a window's rows, with what windows see beside the image.
class PoolRow {
 public:
  static constexpr int kMost = 512;  // cells

  // Whether each window is a column behind the one before, and all that a row of them reads fits.
  static PL_INLINE bool fits(const Pool& pool) {
    return pool.stride_w == 1 && pool.output_width > 1 && pool.pad_left >= 0 &&
           max(pool.pad_left + pool.input_width, pool.output_width + pool.kernel_w) + kLanes <=
               kMost;
  }

  template <PoolKind Kind>
  PL_INLINE void fill(const Pool& pool, const float* plane, PoolSpan rows) {
    const V nothing = broadcast(Kind == PoolKind::kAverage ? 0.0f : -__builtin_inff());
    for (int x = 0; x < pool.pad_left; x += kLanes) store(cells_ + x, nothing);
    const float* top = plane + static_cast<ptrdiff_t>(rows.first) * pool.input_pitch;
    for (int x = 0; x < pool.input_width; x += kLanes) {
      store(cells_ + pool.pad_left + x, pool_rows<Kind>(pool, top + x, rows.count));
    }
    const int read = pool.output_width + pool.kernel_w;
    for (int x = pool.pad_left + pool.input_width; x < read; x += kLanes) {
      store(cells_ + x, nothing);
    }
    rows_ = rows.count;
  }

  // columns: of each window, how many lie in the image.
  template <PoolKind Kind>
  PL_INLINE void combine(const Pool& pool, const float* columns, float* output) const {
    for (int x = 0; x < pool.output_width; x += kLanes) {
      V sum = load(cells_ + x);
      for (int c = 1; c < pool.kernel_w; ++c) sum = pool_combine<Kind>(sum, load(cells_ + x + c));
      if (Kind == PoolKind::kAverage) {
        sum /= load(columns + x) * broadcast(static_cast<float>(rows_));
      }
      store_part(output + x, clamp(sum, pool.low, pool.high), min(kLanes, pool.output_width - x));
    }
  }

 private:
  alignas(64) float cells_[kMost + kLanes];
  int rows_ = 1;
};

// Windows a column apart share their columns, which are combined over the rows once.
template <PoolKind Kind>
void pool_neighbours(const Pool& pool) {
  float columns[PoolRow::kMost];
  for (int x = 0; x < pool.output_width; ++x) {
    columns[x] =
        static_cast<float>(pool_span(x, 1, pool.pad_left, pool.kernel_w, pool.input_width).count);
  }
  PoolRow row[2];  // what was just stored cannot be loaded at once
  for (int c = 0; c < pool.channels; ++c) {
    const float* input = pool.input + c * pool.input_plane;
    float* output = pool.output + c * pool.output_plane;
    for (int y = 0; y <= pool.output_height; ++y) {
      if (y < pool.output_height) {
        const PoolSpan rows =
            pool_span(y, pool.stride_h, pool.pad_top, pool.kernel_h, pool.input_height);
        row[y % 2].fill<Kind>(pool, input, rows);
      }
      if (y > 0) {
        row[(y - 1) % 2].combine<Kind>(pool, columns,
                                       output + static_cast<ptrdiff_t>(y - 1) * pool.output_pitch);
      }
    }
  }
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

// The means of windows that narrow planes hold one of in a row, such as the means of whole planes.
inline void mean_of_narrow_planes(const Pool& pool, int y, PoolSpan rows, PoolSpan columns) {
  const NarrowPlane narrow(rows.count, columns.count, pool.input_pitch);
  const float* plane =
      pool.input + static_cast<ptrdiff_t>(rows.first) * pool.input_pitch + columns.first;
  float* output = pool.output + static_cast<ptrdiff_t>(y) * pool.output_pitch;
  for (int c = 0; c < pool.channels; ++c, plane += pool.input_plane, output += pool.output_plane) {
    V sum{};
    narrow.for_each_vector([&](int at, int count, Lanes<V> lanes) __attribute__((always_inline)) {
      sum += lanes.keep(load_part(plane + at, count));
    });
    const int cells = rows.count * columns.count;
    *output = pool_finish<PoolKind::kAverage>(horizontal_sum(sum), cells, pool);
  }
}

template <PoolKind Kind>
void pool_planes(const Pool& pool) {
  if (PoolRow::fits(pool)) return pool_neighbours<Kind>(pool);
  for (int c = 0; c < pool.channels; ++c) {
    const float* input = pool.input + c * pool.input_plane;
    float* output = pool.output + c * pool.output_plane;
    pool_plane<Kind>(pool, input, output);
  }
}

// Of one output column. How a window is added up depends on nothing but the window: rows of an
// output may be computed by several calls.
inline void pool_average_column(const Pool& pool) {
  const PoolSpan columns = pool_span(0, 1, pool.pad_left, pool.kernel_w, pool.input_width);
  for (int y = 0; y < pool.output_height; ++y) {
    const PoolSpan rows =
        pool_span(y, pool.stride_h, pool.pad_top, pool.kernel_h, pool.input_height);
    if (NarrowPlane::pays(rows.count, columns.count, pool.input_pitch)) {
      mean_of_narrow_planes(pool, y, rows, columns);
      continue;
    }
    for (int c = 0; c < pool.channels; ++c) {
      pool.output[c * pool.output_plane + static_cast<ptrdiff_t>(y) * pool.output_pitch] =
          pool_one<PoolKind::kAverage>(pool, pool.input + c * pool.input_plane, rows, 0);
    }
  }
}

inline void pool(const Pool& pool) {
  if (pool.kind == PoolKind::kMax) return pool_planes<PoolKind::kMax>(pool);
  if (pool.output_width == 1) return pool_average_column(pool);
  pool_planes<PoolKind::kAverage>(pool);
}

}  // namespace patternlite::kernels::PL_ISA
