// The end of a broadcast convolution: writes sums [position][16 filters] to rows of 16 planes.
#pragma once

#include "kernels/vec.h"

namespace patternlite::kernels::PL_ISA {

// A tile: its first row and column, and its size.
struct BcTile {
  int y, x, rows, columns;
};

// Most positions in a tile, rounded up to what BcStore reads at once.
inline constexpr int kBcSums = 32 * kBcFilters;

#if PL_LANES == 16

// Transposes 16 positions at a time. A filter's lanes that lie in one output row are written by one
// masked store, at an address such that no lane has to move.
class BcStore {
 public:
  BcStore(const ConvBc& conv, const BcTile& tile) : positions_(tile.rows * tile.columns) {
    for (int p = 0, used = 0; p < positions_; ++used) {
      const int row = p / tile.columns, column = p % tile.columns, lane = p % 16;
      const int count = min(tile.columns - column, 16 - lane);
      run_[used].at = (tile.y + row) * conv.output_pitch + tile.x + column - lane;
      run_[used].lanes = static_cast<__mmask16>(((1u << count) - 1) << lane);
      p += count;
      end_[(p - 1) / 16] = used + 1;
    }
  }

  void operator()(const ConvBc& conv, int group, const float* sums) const {
    const Epilogue epilogue = conv.epilogue;  // by value: stores cannot change it
    float* const output = conv.output;
    const int32_t* planes = conv.stream.out_plane + group * kBcFilters;
    for (int p = 0, first = 0; p < positions_; p += 16) {
      const int end = end_[p / 16];
      for (int f = 0; f < kBcFilters; f += 4) {
        __m512 x[4];
        load_transposed(sums + p * kBcFilters + f, x);
        PL_UNROLL for (int i = 0; i < 4; ++i) {
          if (planes[f + i] < 0) continue;
          for (int r = first; r < end; ++r) {
            const ptrdiff_t at = static_cast<ptrdiff_t>(planes[f + i]) + run_[r].at;
            V y = reinterpret_cast<V>(x[i]);
            if (epilogue.residual) {
              y +=
                  reinterpret_cast<V>(_mm512_maskz_loadu_ps(run_[r].lanes, epilogue.residual + at));
            }
            y = clamp(y, epilogue.low, epilogue.high);
            _mm512_mask_storeu_ps(output + at, run_[r].lanes, reinterpret_cast<__m512>(y));
          }
        }
      }
      first = end;
    }
  }

 private:
  // Four filters of 16 positions: 128-bit lane j collects positions 4 j .. 4 j + 3.
  static PL_INLINE void load_transposed(const float* from, __m512 (&x)[4]) {
    __m512 row[4];
    PL_UNROLL for (int i = 0; i < 4; ++i) {
      const float* p = from + i * kBcFilters;
      row[i] = _mm512_castps128_ps512(_mm_load_ps(p));
      row[i] = _mm512_insertf32x4(row[i], _mm_load_ps(p + 4 * kBcFilters), 1);
      row[i] = _mm512_insertf32x4(row[i], _mm_load_ps(p + 8 * kBcFilters), 2);
      row[i] = _mm512_insertf32x4(row[i], _mm_load_ps(p + 12 * kBcFilters), 3);
    }
    const __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(row[0], row[1]));
    const __m512d b = _mm512_castps_pd(_mm512_unpackhi_ps(row[0], row[1]));
    const __m512d c = _mm512_castps_pd(_mm512_unpacklo_ps(row[2], row[3]));
    const __m512d d = _mm512_castps_pd(_mm512_unpackhi_ps(row[2], row[3]));
    x[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    x[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    x[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    x[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  }

  struct {
    int32_t at;
    __mmask16 lanes;
  } run_[32];
  int32_t end_[2];  // runs of the first 16 positions, of all
  int positions_;
};

#else

// Transposes four positions by four filters at a time.
class BcStore {
 public:
  BcStore(const ConvBc&, const BcTile& tile) : tile_(tile) {}

  void operator()(const ConvBc& conv, int group, const float* sums) const {
    const Epilogue epilogue = conv.epilogue;  // by value: stores cannot change it
    float* const output = conv.output;
    const int32_t* planes = conv.stream.out_plane + group * kBcFilters;
    for (int r = 0; r < tile_.rows; ++r) {
      const ptrdiff_t row = static_cast<ptrdiff_t>(tile_.y + r) * conv.output_pitch + tile_.x;
      for (int c = 0; c < tile_.columns; c += 4) {
        const int count = min(4, tile_.columns - c);
        const float* from = sums + (r * tile_.columns + c) * kBcFilters;
        for (int f = 0; f < kBcFilters; f += 4) {
          V4 x[4];
          PL_UNROLL for (int i = 0; i < 4; ++i) x[i] = load<V4>(from + i * kBcFilters + f);
          transpose(x);
          PL_UNROLL for (int i = 0; i < 4; ++i) {
            if (planes[f + i] < 0) continue;
            const ptrdiff_t at = planes[f + i] + row + c;
            if (epilogue.residual) x[i] += load<V4>(epilogue.residual + at);
            x[i] = clamp(x[i], epilogue.low, epilogue.high);
            if (count == 4) {
              store(output + at, x[i]);
            } else {
              for (int k = 0; k < count; ++k) output[at + k] = x[i][k];
            }
          }
        }
      }
    }
  }

 private:
  BcTile tile_;
};

#endif

}  // namespace patternlite::kernels::PL_ISA
