// Depthwise convolution by rows, for input columns that are not neighbours or tensors of different
// pitch.
#pragma once

#include "kernels/permute.h"

namespace patternlite::kernels::PL_ISA {

// Works on blocks of a few vectors by a few rows, of real positions. A row ends with half a vector
// if that is enough.
inline constexpr int kHalf = kLanes / 2;
inline constexpr int kDepthwiseVectors = 4;  // of a row at a time
constexpr int depthwise_rows_at_once(int vectors) { return vectors > 2 ? 2 : 4; }

// Loads the inputs of neighbouring outputs, `count` of which are real. Step: the column step if it
// is 1 or 2, otherwise 0.
template <class T, int Step>
PL_INLINE T depthwise_inputs(const float* tap, int step, int count) {
  if constexpr (Step == 0) {
    T x;
    for (int i = 0; i < static_cast<int>(sizeof(T) / sizeof(float)); ++i) {
      x[i] = tap[static_cast<ptrdiff_t>(min(i, count - 1)) * step];
    }
    return x;
  } else if constexpr (Step == 1) {
    return load<T>(tap);
  } else if constexpr (sizeof(T) == sizeof(V)) {
    return load_strided<Step>(tap);
  } else {
    const V all = load(tap);
    return low_half(every_second<0>(all, all));
  }
}

struct DepthwiseBlock {
  int y, x;  // its first row and column
  int last;  // positions in the last vector, or half vector, of each row
};

template <int Step, int R, int M, bool Half>
PL_INLINE void depthwise_block(const ConvDepthwise& conv, int group, const DepthwiseBlock& block) {
  const TapStream& stream = conv.stream;
  const int step = Step ? Step : conv.input_column_step;
  const ptrdiff_t row_step = conv.input_row_step;
  const float* input = conv.input + block.y * row_step + static_cast<ptrdiff_t>(block.x) * step;
  const int whole = Half ? kLanes : block.last;
  V sum[R][M > 0 ? M : 1];
  VHalf half[R];
  const V bias = broadcast(stream.bias[group]);
  PL_UNROLL for (int r = 0; r < R; ++r) {
    PL_UNROLL for (int m = 0; m < M; ++m) sum[r][m] = bias;
    if constexpr (Half) half[r] = low_half(bias);
  }
  for (int32_t t = stream.start[group]; t < stream.start[group + 1]; ++t) {
    const float* tap = input + stream.offset[t];
    V w = broadcast(stream.weights[t]);
    pin(w);
    PL_UNROLL for (int r = 0; r < R; ++r, tap += row_step) {
      PL_UNROLL for (int m = 0; m < M; ++m) {
        const int count = m == M - 1 ? whole : kLanes;
        sum[r][m] += depthwise_inputs<V, Step>(tap + m * kLanes * step, step, count) * w;
      }
      if constexpr (!Half) continue;
      half[r] +=
          depthwise_inputs<VHalf, Step>(tap + M * kLanes * step, step, block.last) * low_half(w);
    }
  }
  const Epilogue epilogue = conv.epilogue;
  const ptrdiff_t pitch = conv.output_pitch;
  ptrdiff_t at = stream.out_plane[group] + block.y * pitch + block.x;
  float* const output = conv.output;
  PL_UNROLL for (int r = 0; r < R; ++r, at += pitch) {
    if (epilogue.residual) {
      const float* residual = epilogue.residual + at;
      PL_UNROLL for (int m = 0; m < M; ++m) sum[r][m] += load(residual + m * kLanes);
      if constexpr (Half) half[r] += load<VHalf>(residual + M * kLanes);
    }
    PL_UNROLL for (int m = 0; m < M; ++m) {
      const V x = clamp(sum[r][m], epilogue.low, epilogue.high);
      if (m == M - 1 && !Half) {
        store_part(output + at + m * kLanes, x, block.last);
      } else {
        store(output + at + m * kLanes, x);
      }
    }
    if constexpr (Half) {
      const VHalf x = clamp(half[r], epilogue.low, epilogue.high);
      store_part(output + at + M * kLanes, x, block.last);
    }
  }
}

// All rows of these columns.
template <int Step, int M, bool Half>
void depthwise_columns(const ConvDepthwise& conv, DepthwiseBlock block) {
  constexpr int kRows = depthwise_rows_at_once(M + Half);
  for (int group = conv.group_begin; group < conv.group_end; ++group) {
    if (conv.stream.out_plane[group] < 0) continue;
    block.y = 0;
    for (; block.y + kRows <= conv.output_height; block.y += kRows) {
      depthwise_block<Step, kRows, M, Half>(conv, group, block);
    }
    for (; block.y < conv.output_height; ++block.y) {
      depthwise_block<Step, 1, M, Half>(conv, group, block);
    }
  }
}

template <int Step, int M, bool Half>
auto depthwise_columns_kernel(int vectors) -> void (*)(const ConvDepthwise&, DepthwiseBlock) {
  if constexpr (M > (Half ? 0 : 1)) {
    if (vectors != M) return depthwise_columns_kernel<Step, M - 1, Half>(vectors);
  }
  return &depthwise_columns<Step, M, Half>;
}

template <int Step>
void depthwise_rows(const ConvDepthwise& conv) {
  for (int x = 0; x < conv.output_width; x += kDepthwiseVectors * kLanes) {
    const int columns = min(conv.output_width - x, kDepthwiseVectors * kLanes);
    const int halves = ceil_div(columns, kHalf), vectors = halves / 2;
    const DepthwiseBlock block{0, x, columns - (halves - 1) * kHalf};
    if (halves % 2 != 0) {
      depthwise_columns_kernel<Step, kDepthwiseVectors - 1, true>(vectors)(conv, block);
    } else {
      depthwise_columns_kernel<Step, kDepthwiseVectors, false>(vectors)(
          conv, {0, x, columns - (vectors - 1) * kLanes});
    }
  }
}

inline void conv_depthwise_rows(const ConvDepthwise& conv) {
  if (conv.input_column_step == 1) return depthwise_rows<1>(conv);
  if (conv.input_column_step == 2) return depthwise_rows<2>(conv);
  depthwise_rows<0>(conv);
}

}  // namespace patternlite::kernels::PL_ISA
