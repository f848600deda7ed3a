// Depthwise convolution: each filter reads a single plane.
#pragma once

#include "kernels/conv_os.h"

namespace patternlite::kernels::PL_ISA {

// Where input columns are not neighbours, or rows differ in pitch: half a vector is neighbouring
// columns of one output row, whose inputs come in one load if the column step is 1 or 2.
inline constexpr int kHalf = kLanes / 2;
inline constexpr int kDepthwiseVectors = kRegisters == 32 ? 8 : 6;  // at a time

struct DepthwiseHalf {
  int32_t input, output, count;  // offsets within the planes; count may be 0
};

// Step: the column step if it is 1 or 2, else 0.
template <int Step>
PL_INLINE V depthwise_inputs(const float* tap, const DepthwiseHalf* half, int step) {
  if constexpr (Step == 0) {
    V x;
    for (int i = 0; i < kLanes; ++i) {
      const DepthwiseHalf& h = half[i / kHalf];
      const int column = min(i % kHalf, max(h.count - 1, 0));
      x[i] = tap[h.input + static_cast<ptrdiff_t>(column) * step];
    }
    return x;
  } else {
    const V low = load(tap + half[0].input), high = load(tap + half[1].input);
    V x;
#ifdef __clang__
    PL_UNROLL for (int i = 0; i < kHalf; ++i) {
      x[i] = low[i * Step];
      x[kHalf + i] = high[i * Step];
    }
#else
    VI index;
    PL_UNROLL for (int i = 0; i < kLanes; ++i) index[i] = i % kHalf * Step + i / kHalf * kLanes;
    x = __builtin_shuffle(low, high, index);
#endif
    return x;
  }
}

PL_INLINE void depthwise_store(float* plane, const DepthwiseHalf* half, V x) {
#if PL_LANES == 16
  const auto low = static_cast<__mmask16>((1u << half[0].count) - 1);
  const auto high = static_cast<__mmask16>(((1u << half[1].count) - 1) << kHalf);
  _mm512_mask_storeu_ps(plane + half[0].output, low, reinterpret_cast<__m512>(x));
  _mm512_mask_storeu_ps(plane + half[1].output - kHalf, high, reinterpret_cast<__m512>(x));
#else
  float sums[kLanes];
  store(sums, x);
  for (int side = 0; side < 2; ++side) {
    float* to = plane + half[side].output;
    const float* from = sums + side * kHalf;
    if (half[side].count == kHalf) {
      __builtin_memcpy(to, from, kHalf * sizeof(float));
    } else {
      for (int i = 0; i < half[side].count; ++i) to[i] = from[i];
    }
  }
#endif
}

template <int Step, int M>
void depthwise_halves(const ConvDepthwise& conv, const DepthwiseHalf* half) {
  const TapStream& stream = conv.stream;
  const Epilogue& epilogue = conv.epilogue;
  for (int group = conv.group_begin; group < conv.group_end; ++group) {
    const int32_t plane = stream.out_plane[group];
    if (plane < 0) continue;
    V sum[M];
    PL_UNROLL for (int m = 0; m < M; ++m) sum[m] = broadcast(stream.bias[group]);
    for (int32_t t = stream.start[group]; t < stream.start[group + 1]; ++t) {
      const float* tap = conv.input + stream.offset[t];
      V w = broadcast(stream.weights[t]);
      pin(w);
      PL_UNROLL for (int m = 0; m < M; ++m) {
        sum[m] += depthwise_inputs<Step>(tap, half + 2 * m, conv.input_column_step) * w;
      }
    }
    PL_UNROLL for (int m = 0; m < M; ++m) {
      if (epilogue.residual) {
        DepthwiseHalf own[2] = {half[2 * m], half[2 * m + 1]};
        own[0].input = own[0].output;
        own[1].input = own[1].output;
        sum[m] += depthwise_inputs<1>(epilogue.residual + plane, own, 1);
      }
      depthwise_store(conv.output + plane, half + 2 * m,
                      clamp(sum[m], epilogue.low, epilogue.high));
    }
  }
}

template <int Step, int M>
auto depthwise_kernel(int vectors) -> void (*)(const ConvDepthwise&, const DepthwiseHalf*) {
  if constexpr (M > 1) {
    if (vectors != M) return depthwise_kernel<Step, M - 1>(vectors);
  }
  return &depthwise_halves<Step, M>;
}

template <int Step>
void depthwise_blocks(const ConvDepthwise& conv) {
  const int halves = conv.output_height * ceil_div(conv.output_width, kHalf);
  const int vectors = ceil_div(halves, 2), blocks = ceil_div(vectors, kDepthwiseVectors);
  for (int block = 0, done = 0, y = 0, x = 0; block < blocks; ++block) {
    const int now = ceil_div(vectors - done, blocks - block);
    DepthwiseHalf half[2 * kDepthwiseVectors];
    for (int h = 0; h < 2 * now; ++h) {
      if (y == conv.output_height) {  // the last vector may have no second half
        half[h] = half[h - 1];
        half[h].count = 0;
        continue;
      }
      half[h] = {y * conv.input_row_step + x * conv.input_column_step, y * conv.output_pitch + x,
                 min(kHalf, conv.output_width - x)};
      x += kHalf;
      if (x >= conv.output_width) x = 0, ++y;
    }
    depthwise_kernel<Step, kDepthwiseVectors>(now)(conv, half);
    done += now;
  }
}

// Planes of one pitch: as OS, but one after the other, unless a block of positions is all of a
// plane.
inline void depthwise_planes(const ConvDepthwise& conv) {
  const int positions = (conv.output_height * conv.output_pitch + 15) / 16 * 16;
  ConvOs planes{.input = conv.input,
                .output = conv.output,
                .stream = conv.stream,
                .epilogue = conv.epilogue,
                .mask = conv.mask,
                .ahead_channels = 0,
                .ahead_plane = 0,
                .ahead_reach = 0,
                .fetch_taps = 0,
                .group_begin = conv.group_begin,
                .group_end = conv.group_end,
                .position_begin = 0,
                .position_end = positions};
  if (positions <= os_max_vectors<1>() * kLanes) return conv_os<1>(planes);
  for (int group = conv.group_begin; group < conv.group_end; ++group) {
    planes.group_begin = group;
    planes.group_end = group + 1;
    conv_os<1>(planes);
  }
}

inline void conv_depthwise(const ConvDepthwise& conv) {
  if (conv.mask != nullptr) return depthwise_planes(conv);
  if (conv.input_column_step == 1) return depthwise_blocks<1>(conv);
  if (conv.input_column_step == 2) return depthwise_blocks<2>(conv);
  return depthwise_blocks<0>(conv);
}

}  // namespace patternlite::kernels::PL_ISA
