// A matrix times a vector, limited by memory: every weight is read once.
#pragma once

#include "kernels/vec.h"

namespace patternlite::kernels::PL_ISA {

// How many rows at a time, which share the loads of the input, and how many vectors of a row.
inline constexpr int kFcRows = 4;
inline constexpr int kFcVectors = 2;
// How many weights ahead are prefetched: the hardware's prefetchers stop at the end of each page.
inline constexpr int kFcDenseAhead = 256, kFcSparseAhead = 1024;

PL_INLINE void fc_prefetch(const void* p, int bytes) {
  for (int at = 0; at < bytes; at += 64) __builtin_prefetch(static_cast<const char*>(p) + at);
}

PL_INLINE void fc_store(const Epilogue& epilogue, float* output, size_t plane, int row, float sum) {
  const size_t at = row * plane;
  if (epilogue.residual) sum += epilogue.residual[at];
  output[at] = clamp(sum, epilogue.low, epilogue.high);
}

template <int R>
void fc_dense_rows(const FcDense& fc, int row) {
  constexpr int kStep = kFcVectors * kLanes;
  const float* weights = fc.weights + row * fc.row_stride;
  V sum[R][kFcVectors] = {};
  int i = 0;
  for (; i + kStep <= fc.columns; i += kStep) {
    PL_UNROLL for (int r = 0; r < R; ++r) {
      fc_prefetch(weights + r * fc.row_stride + i + kFcDenseAhead, kStep * sizeof(float));
    }
    PL_UNROLL for (int v = 0; v < kFcVectors; ++v) {
      V x = load(fc.input + i + v * kLanes);
      pin(x);
      PL_UNROLL for (int r = 0; r < R; ++r) {
        sum[r][v] += x * load(weights + r * fc.row_stride + i + v * kLanes);
      }
    }
  }
  for (; i < fc.columns; i += kLanes) {
    const int count = min(kLanes, fc.columns - i);
    const V x = load_part(fc.input + i, count);
    PL_UNROLL for (int r = 0; r < R; ++r) {
      sum[r][0] += x * load_part(weights + r * fc.row_stride + i, count);
    }
  }
  PL_UNROLL for (int r = 0; r < R; ++r) {
    PL_UNROLL for (int v = 1; v < kFcVectors; ++v) sum[r][0] += sum[r][v];
    const float bias = fc.bias ? fc.bias[row + r] : 0.0f;
    fc_store(fc.epilogue, fc.output, fc.output_plane, row + r, horizontal_sum(sum[r][0]) + bias);
  }
}

inline void fc_dense(const FcDense& fc) {
  int row = fc.row_begin;
  for (; row + kFcRows <= fc.row_end; row += kFcRows) fc_dense_rows<kFcRows>(fc, row);
  for (; row < fc.row_end; ++row) fc_dense_rows<1>(fc, row);
}

// A vector with x[column[i]] in lane i.
PL_INLINE V fc_gather(const float* x, const uint16_t* column) {
#if PL_LANES == 16
  const __m512i at =
      _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(column)));
  return reinterpret_cast<V>(_mm512_i32gather_ps(at, x, 4));
#elif PL_LANES == 8
  const __m256i at =
      _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(column)));
  return reinterpret_cast<V>(_mm256_i32gather_ps(x, at, 4));
#else
  V gathered;
  PL_UNROLL for (int i = 0; i < kLanes; ++i) gathered[i] = x[column[i]];
  return gathered;
#endif
}

// The part of a row's sum that comes from one chunk of columns.
PL_INLINE float fc_sparse_part(const float* x, const uint16_t* column, const float* weights,
                               int count) {
  constexpr int kStep = kFcVectors * kLanes;
  V sum[kFcVectors] = {};
  int i = 0;
  for (; i + kStep <= count; i += kStep) {
    fc_prefetch(weights + i + kFcSparseAhead, kStep * sizeof(float));
    fc_prefetch(column + i + kFcSparseAhead, kStep * sizeof(uint16_t));
    PL_UNROLL for (int v = 0; v < kFcVectors; ++v) {
      sum[v] += fc_gather(x, column + i + v * kLanes) * load(weights + i + v * kLanes);
    }
  }
  V all = sum[0];
  PL_UNROLL for (int v = 1; v < kFcVectors; ++v) all += sum[v];
  for (; i + kLanes <= count; i += kLanes) all += fc_gather(x, column + i) * load(weights + i);
  float result = horizontal_sum(all);
  for (; i < count; ++i) result += x[column[i]] * weights[i];
  return result;
}

inline void fc_sparse(const FcSparse& fc) {
  const int chunks = ceil_div(fc.columns, kFcChunk);
  for (int block = fc.block_begin; block < fc.block_end; ++block) {
    const int first = block * kFcBlock, rows = min(kFcBlock, fc.rows - first);
    const uint32_t* start = fc.start + static_cast<size_t>(first) * chunks;
    float sums[kFcBlock];
    for (int r = 0; r < rows; ++r) sums[r] = fc.bias ? fc.bias[first + r] : 0.0f;
    for (int chunk = 0; chunk < chunks; ++chunk) {
      const float* x = fc.input + static_cast<size_t>(chunk) * kFcChunk;
      for (int r = 0; r < rows; ++r, ++start) {
        sums[r] += fc_sparse_part(x, fc.column + start[0], fc.weights + start[0],
                                  static_cast<int>(start[1] - start[0]));
      }
    }
    for (int r = 0; r < rows; ++r) {
      fc_store(fc.epilogue, fc.output, fc.output_plane, first + r, sums[r]);
    }
  }
}

}  // namespace patternlite::kernels::PL_ISA
