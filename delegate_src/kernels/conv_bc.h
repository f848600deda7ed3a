// Broadcast convolution: the vector runs over 16 filters, a tile of output positions is held in
// registers, and every input scalar is broadcast. No lane is lost on small maps, and any stride is
// free. Taps in a row share their broadcasts, since this kernel is limited by loads.
#pragma once

#include "kernels/bc_store.h"

namespace patternlite::kernels::PL_ISA {

inline constexpr int kBcVectors = kBcFilters / kLanes;  // per position
inline constexpr int kBcTile = kBcVectors == 1 ? 28 : kRegisters == 32 || kBcVectors == 2 ? 6 : 3;
inline constexpr int kBcMaxRows = 8;
// The tile widths that are compiled, each with 1 .. bc_max_rows(width) rows.
#if PL_LANES == 16
inline constexpr int kBcWidths[] = {28, 16, 14, 8, 7, 4, 2, 1};
#elif PL_LANES == 8 || defined(__aarch64__) || defined(__AVX512F__)
inline constexpr int kBcWidths[] = {6, 5, 4, 3, 2, 1};
#else
inline constexpr int kBcWidths[] = {3, 2, 1};
#endif
static_assert(kBcWidths[0] == kBcTile);
inline constexpr int kBcWidthCount = sizeof kBcWidths / sizeof kBcWidths[0];

constexpr int bc_max_rows(int width) {
  return kBcTile / width < kBcMaxRows ? kBcTile / width : kBcMaxRows;
}

// A weight vector for each tap of a run must fit beside the tile.
inline constexpr int kBcRun = kRegisters == 32 && kBcVectors == 1 ? kBcMaxRun : 1;

template <int R, int C>
struct BcAccumulators {
  V sum[R * C][kBcVectors];
};

// Prefetches the inputs of a later run into the first-level cache; if the column step is not known
// here, only the first ones of each row. A row may begin anywhere in a cache line, so its last line
// is fetched only if it is likely to be touched.
template <int R, int C, int ColumnStep>
PL_INLINE void bc_fetch(const float* row, ptrdiff_t row_step) {
  constexpr int kLine = 16;
  PL_UNROLL for (int r = 0; r < R; ++r, row += row_step) {
    pin(row);
    PL_UNROLL for (int c = 0; c < C * ColumnStep + kLine / 2 - 1; c += kLine) {
      __builtin_prefetch(row + c);
    }
  }
}

// Adds runs of L taps; returns the weights behind them.
template <int L, int ColumnStep, int R, int C>
PL_INLINE const float* bc_runs(const float* input, ptrdiff_t row_step, ptrdiff_t column_step,
                               const int32_t* offset, const int32_t* end, const float* weight,
                               BcAccumulators<R, C>& tile) {
  for (; offset != end; ++offset, weight += L * kBcFilters) {
    const float* tap = input + *offset;
    bc_fetch<R, C, ColumnStep>(input + offset[kBcRunsAhead], row_step);
    V w[L][kBcVectors];
    PL_UNROLL for (int l = 0; l < L; ++l) {
      PL_UNROLL for (int v = 0; v < kBcVectors; ++v) {
        pin(w[l][v] = load(weight + l * kBcFilters + v * kLanes));
      }
    }
    PL_UNROLL for (int r = 0; r < R; ++r, tap += row_step) {
      pin(tap);
      PL_UNROLL for (int c = 0; c < C + L - 1; ++c) {
        V x = broadcast(tap[c * column_step]);
        if constexpr (L == 1 && kBcVectors == 1) {  // the broadcast is the multiply-add's operand
          tile.sum[r * C + c][0] += x * w[0][0];
          continue;
        }
        PL_UNROLL for (int l = 0; l < L; ++l) {
          if (c < l || c - l >= C) continue;
          PL_UNROLL for (int v = 0; v < kBcVectors; ++v) {
            accumulate(tile.sum[r * C + c - l][v], x, w[l][v]);
          }
        }
      }
    }
  }
  return weight;
}

// Sums of one group over R x C positions, [R * C][16]. ColumnStep 0: taken from `conv`.
template <int R, int C, int ColumnStep>
void bc_sums(const ConvBc& conv, const float* input, int group, float* sums) {
  const RunStream& stream = conv.stream;
  const ptrdiff_t row_step = conv.input_row_step;
  const ptrdiff_t column_step = ColumnStep ? ColumnStep : conv.input_column_step;
  BcAccumulators<R, C> tile;
  PL_UNROLL for (int v = 0; v < kBcVectors; ++v) {
    const V bias = load(stream.bias + group * kBcFilters + v * kLanes);
    PL_UNROLL for (int i = 0; i < R * C; ++i) tile.sum[i][v] = bias;
  }
  const int32_t* start = stream.start + group * kBcMaxRun;
  const int32_t* at = stream.offset;
  const float* weight = stream.weights + static_cast<size_t>(stream.first_tap[group]) * kBcFilters;
  weight = bc_runs<1, ColumnStep>(input, row_step, column_step, at + start[0], at + start[1],
                                  weight, tile);
  if constexpr (kBcRun > 1) {
    weight = bc_runs<2, ColumnStep>(input, row_step, column_step, at + start[1], at + start[2],
                                    weight, tile);
    bc_runs<3, ColumnStep>(input, row_step, column_step, at + start[2], at + start[3], weight,
                           tile);
  }
  PL_UNROLL for (int i = 0; i < R * C; ++i) {
    PL_UNROLL for (int v = 0; v < kBcVectors; ++v) {
      store(sums + i * kBcFilters + v * kLanes, tile.sum[i][v]);
    }
  }
}

using BcSums = void (*)(const ConvBc&, const float*, int, float*);

template <int C, int ColumnStep, int R>
BcSums bc_kernel_of_rows(int rows) {
  if constexpr (R > 1) {
    if (rows != R) return bc_kernel_of_rows<C, ColumnStep, R - 1>(rows);
  }
  return &bc_sums<R, C, ColumnStep>;
}

template <int ColumnStep, int Index = 0>
BcSums bc_kernel(int rows, int columns) {
  constexpr int C = kBcWidths[Index];
  if constexpr (Index + 1 < kBcWidthCount) {
    if (columns != C) return bc_kernel<ColumnStep, Index + 1>(rows, columns);
  }
  return bc_kernel_of_rows<C, ColumnStep, bc_max_rows(C)>(rows);
}

inline BcSums bc_kernel(int column_step, int rows, int columns) {
  if (column_step == 1) return bc_kernel<1>(rows, columns);
  if (column_step == 2) return bc_kernel<2>(rows, columns);
  return bc_kernel<0>(rows, columns);
}

// Width of the next tile when `left` of `width` columns remain.
inline int bc_tile_width(int width, int left) {
  if (kBcVectors > 1) return ceil_div(left, ceil_div(left, kBcTile));
  static constexpr int kWhole[] = {28, 14, 7, 16, 8};  // preferred if they leave no remainder
  for (int candidate : kWhole) {
    if (width % candidate == 0) return candidate;
  }
  for (int candidate : kBcWidths) {
    if (candidate <= left && candidate <= 16) return candidate;
  }
  return 1;
}

// Goes through a convolution's tiles: columns in the outer loop, rows in the inner one.
class BcTiles {
 public:
  BcTiles(const ConvBc& conv) : conv_(conv) { start_column(); }

  bool done() const { return tile_.x >= conv_.output_width; }
  const BcTile& operator*() const { return tile_; }
  void operator++() {
    tile_.y += tile_.rows;
    if (tile_.y < conv_.row_end) return start_row();
    tile_.x += tile_.columns;
    if (!done()) start_column();
  }

 private:
  void start_column() {
    tile_.columns = bc_tile_width(conv_.output_width, conv_.output_width - tile_.x);
    tile_.y = conv_.row_begin;
    start_row();
  }
  void start_row() {
    const int left = conv_.row_end - tile_.y;
    tile_.rows = ceil_div(left, ceil_div(left, bc_max_rows(tile_.columns)));
  }

  const ConvBc& conv_;
  BcTile tile_{};
};

inline void bc_tile(const ConvBc& conv, const BcTile& tile, int group_begin, int group_end,
                    float* sums) {
  const BcStore finish(conv, tile);
  const BcSums kernel = bc_kernel(conv.input_column_step, tile.rows, tile.columns);
  const float* input = conv.input + static_cast<ptrdiff_t>(tile.y) * conv.input_row_step +
                       static_cast<ptrdiff_t>(tile.x) * conv.input_column_step;
  for (int group = group_begin; group < group_end; ++group) {
    kernel(conv, input, group, sums);
    finish(conv, group, sums);
  }
}

// On small maps there are more weights than inputs, so weights are read from memory only once.
inline constexpr int kBcSmallMap = 64;

inline void conv_bc16(const ConvBc& conv) {
  if (conv.row_begin >= conv.row_end) return;
  alignas(64) float sums[kBcSums] = {};
  if (conv.output_width * (conv.row_end - conv.row_begin) > kBcSmallMap) {
    for (BcTiles tiles(conv); !tiles.done(); ++tiles) {
      bc_tile(conv, *tiles, conv.group_begin, conv.group_end, sums);
    }
    return;
  }
  for (int group = conv.group_begin; group < conv.group_end; ++group) {
    for (BcTiles tiles(conv); !tiles.done(); ++tiles) {
      bc_tile(conv, *tiles, group, group + 1, sums);
    }
  }
}

}  // namespace patternlite::kernels::PL_ISA
