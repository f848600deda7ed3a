// Output-stationary convolution: G filters x M vectors of accumulators live in registers over all
// taps.
#pragma once

#include "kernels/vec.h"

namespace patternlite::kernels::PL_ISA {

// Vectors per position block: as many as leave registers for weights and one input.
template <int G>
constexpr int os_max_vectors() {
  if (kRegisters == 32) return G == 1 ? 14 : G == 2 ? 10 : 6;
  return G == 1 ? 8 : G == 2 ? 5 : 3;
}

// Fetches the lines that `group` will write (and add to). They were last touched layers ago.
template <int G, int M>
PL_INLINE void os_fetch_output(const ConvOs& conv, int group, int position) {
  PL_UNROLL for (int g = 0; g < G; ++g) {
    const int32_t plane = conv.stream.out_plane[group * G + g];
    if (plane < 0) continue;
    const float* output = conv.output + plane + position;
    PL_UNROLL for (int m = 0; m < M; ++m) __builtin_prefetch(output + m * kLanes, 1);
    if (conv.epilogue.residual == nullptr) continue;
    const float* residual = conv.epilogue.residual + plane + position;
    PL_UNROLL for (int m = 0; m < M; ++m) __builtin_prefetch(residual + m * kLanes);
  }
}

// Fetches a share of the inputs that the next block of positions reads first: `group`'s share.
template <int M>
PL_INLINE void os_fetch_input(const ConvOs& conv, int group, int position) {
  const int groups = conv.group_end - conv.group_begin, share = group - conv.group_begin;
  const int begin = conv.ahead_channels * share / groups;
  const int end = conv.ahead_channels * (share + 1) / groups;
  const float* from = conv.input + position + M * kLanes + conv.ahead_reach;
  for (int channel = begin; channel < end; ++channel) {
    const float* lines = from + channel * conv.ahead_plane;
    PL_UNROLL for (int m = 0; m <= M; ++m) __builtin_prefetch(lines + m * kLanes, 0, 2);
  }
}

template <int G, int M>
void os_block(const ConvOs& conv, int position) {
  const TapStream& stream = conv.stream;
  const float* input = conv.input + position;
  for (int group = conv.group_begin; group < conv.group_end; ++group) {
    if (conv.ahead_channels != 0) {
      if (group + 2 < conv.group_end) os_fetch_output<G, M>(conv, group + 2, position);
      os_fetch_input<M>(conv, group, position);
    }
    V sum[G][M];
    PL_UNROLL for (int g = 0; g < G; ++g) {
      const V bias = broadcast(stream.bias[group * G + g]);
      PL_UNROLL for (int m = 0; m < M; ++m) sum[g][m] = bias;
    }
    const int32_t* offset = stream.offset + stream.start[group];
    const int32_t* const end = stream.offset + stream.start[group + 1];
    const float* weight = stream.weights + static_cast<size_t>(stream.start[group]) * G;
    for (; offset != end; ++offset, weight += G) {
      const float* tap = input + *offset;
      pin(tap);
      if constexpr (M < G) {  // hold what is fewer: M inputs or G weights
        V x[M];
        PL_UNROLL for (int m = 0; m < M; ++m) pin(x[m] = load(tap + m * kLanes));
        PL_UNROLL for (int g = 0; g < G; ++g) {
          V w = broadcast(weight[g]);
          if constexpr (M > 1) pin(w);
          PL_UNROLL for (int m = 0; m < M; ++m) sum[g][m] += x[m] * w;
        }
      } else {
        V w[G];
        PL_UNROLL for (int g = 0; g < G; ++g) pin(w[g] = broadcast(weight[g]));
        PL_UNROLL for (int m = 0; m < M; ++m) {
          V x = load(tap + m * kLanes);
          if constexpr (G > 1) pin(x);
          PL_UNROLL for (int g = 0; g < G; ++g) sum[g][m] += x * w[g];
        }
      }
    }
    const Epilogue& epilogue = conv.epilogue;
    PL_UNROLL for (int g = 0; g < G; ++g) {
      const int32_t plane = stream.out_plane[group * G + g];
      if (plane < 0) continue;
      float* output = conv.output + plane + position;
      const float* residual = epilogue.residual ? epilogue.residual + plane + position : nullptr;
      PL_UNROLL for (int m = 0; m < M; ++m) {
        V x = sum[g][m];
        if (residual) x += load(residual + m * kLanes);
        x = clamp(x, epilogue.low, epilogue.high);
        store(output + m * kLanes, keep(x, conv.mask + position + m * kLanes));
      }
    }
  }
}

// The instance for `vectors`, found by counting down from M.
template <int G, int M>
auto os_kernel(int vectors) -> void (*)(const ConvOs&, int) {
  if constexpr (M > 1) {
    if (vectors != M) return os_kernel<G, M - 1>(vectors);
  }
  return &os_block<G, M>;
}

// Position blocks outside, groups inside: the weights stream, the block's inputs stay in cache.
template <int G>
void conv_os(const ConvOs& conv) {
  constexpr int kMax = os_max_vectors<G>();
  const int vectors = (conv.position_end - conv.position_begin) / kLanes;
  const int blocks = ceil_div(vectors, kMax);
  for (int block = 0, done = 0; block < blocks; ++block) {
    const int now = ceil_div(vectors - done, blocks - block);
    os_kernel<G, kMax>(now)(conv, conv.position_begin + done * kLanes);
    done += now;
  }
}

}  // namespace patternlite::kernels::PL_ISA
