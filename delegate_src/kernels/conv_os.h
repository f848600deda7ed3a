// Output-stationary convolution: G filters x M vectors of accumulators stay in registers over all
// taps.
#pragma once

#include "kernels/fetch_ahead.h"
#include "kernels/planar_store.h"

namespace patternlite::kernels::PL_ISA {

// Vectors per position block: as many as leave registers for weights and one input.
template <int G>
constexpr int os_max_vectors() {
  if (kRegisters == 32) return G == 4 ? 6 : 14;
  return G == 4 ? 3 : G == 2 ? 6 : 8;
}

// Computes M vectors of positions, and half a vector more if `Half`. FetchTaps: prefetches the
// inputs of later taps into the first-level cache.
template <int G, int M, bool Half, bool FetchTaps>
void os_block(const ConvOs& conv, int position) {
  const TapStream& stream = conv.stream;
  const float* input = conv.input + position;
  const PlanarStore<M> finish(conv, position);
  const PlanarStore<Half, VHalf> finish_half(conv, position + M * kLanes);
  constexpr int kSums = PlanarStore<M>::kHeld;
  constexpr int kPositions = M * kLanes + Half * kLanes / 2;
  for (int group = conv.group_begin; group < conv.group_end; ++group) {
    if (conv.ahead.channels != 0) {
      const int soon = min(group + 2, conv.group_end - 1);
      PL_UNROLL for (int g = 0; g < G; ++g) {
        fetch_output<kPositions>(conv, position, stream.out_plane[soon * G + g]);
      }
      fetch_input<kPositions>(conv.ahead, input + kPositions, group - conv.group_begin,
                              conv.group_end - conv.group_begin);
    }
    V sum[G][kSums];
    VHalf half[G];
    PL_UNROLL for (int g = 0; g < G; ++g) {
      const V bias = broadcast(stream.bias[group * G + g]);
      PL_UNROLL for (int m = 0; m < M; ++m) sum[g][m] = bias;
      if constexpr (Half) half[g] = low_half(bias);
    }
    const int32_t* offset = stream.offset + stream.start[group];
    const int32_t* const end = stream.offset + stream.start[group + 1];
    const float* weight = stream.weights + static_cast<size_t>(stream.start[group]) * G;
    for (; offset != end; ++offset, weight += G) {
      const float* tap = input + *offset;
      pin(tap);
      if (FetchTaps && ((end - offset) & (conv.fetch_taps - 1)) == 0) {
        const float* soon = input + offset[kOsTapsAhead];
        pin(soon);
        fetch_lines<kPositions, 0, 3, false>(soon);
      }
      VHalf part{};
      if constexpr (Half) part = load<VHalf>(tap + M * kLanes);
      if constexpr (M < G) {  // hold whichever are fewer, M inputs or G weights
        V x[kSums];
        PL_UNROLL for (int m = 0; m < M; ++m) pin(x[m] = load(tap + m * kLanes));
        PL_UNROLL for (int g = 0; g < G; ++g) {
          V w = broadcast(weight[g]);
          if constexpr (M + Half > 1) pin(w);
          PL_UNROLL for (int m = 0; m < M; ++m) sum[g][m] += x[m] * w;
          if constexpr (Half) half[g] += part * low_half(w);
        }
      } else {
        V w[G];
        PL_UNROLL for (int g = 0; g < G; ++g) pin(w[g] = broadcast(weight[g]));
        PL_UNROLL for (int m = 0; m < M; ++m) {
          V x = load(tap + m * kLanes);
          if constexpr (G > 1) pin(x);
          PL_UNROLL for (int g = 0; g < G; ++g) sum[g][m] += x * w[g];
        }
        if constexpr (Half) {
          PL_UNROLL for (int g = 0; g < G; ++g) half[g] += part * low_half(w[g]);
        }
      }
    }
    PL_UNROLL for (int g = 0; g < G; ++g) {
      const int32_t plane = stream.out_plane[group * G + g];
      if (plane < 0) continue;
      finish(sum[g], plane);
      finish_half({half[g]}, plane);
    }
  }
}

// Calls the instance for `vectors`, found by counting down from M.
template <int G, int M, bool Half>
auto os_kernel(int vectors, bool fetch_taps) -> void (*)(const ConvOs&, int) {
  if constexpr (M > (Half ? 0 : 1)) {
    if (vectors != M) return os_kernel<G, M - 1, Half>(vectors, fetch_taps);
  }
  return fetch_taps ? &os_block<G, M, Half, true> : &os_block<G, M, Half, false>;
}

// Position blocks in the outer loop, groups in the inner one: weights are streamed, while a block's
// inputs stay in the cache.
template <int G>
void conv_os(const ConvOs& conv) {
  constexpr int kMax = os_max_vectors<G>();
  const int positions = conv.position_end - conv.position_begin;
  const int vectors = positions / kLanes;
  const bool half = positions % kLanes != 0;  // of the widest vectors only
  const int blocks = ceil_div(vectors + half, kMax);
  for (int block = 0, done = 0; block < blocks; ++block) {
    const int now = ceil_div(vectors - done, blocks - block);
    auto kernel = os_kernel<G, kMax, false>;
#if PL_LANES == 16
    if (half && block == blocks - 1) kernel = os_kernel<G, kMax - 1, true>;
#endif
    kernel(now, conv.fetch_taps != 0)(conv, conv.position_begin + done * kLanes);
    done += now;
  }
}

}  // namespace patternlite::kernels::PL_ISA
