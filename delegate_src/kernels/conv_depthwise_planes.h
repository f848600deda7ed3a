// Depthwise convolution over planes of one pitch: each filter reads a single plane.
#pragma once

#include "kernels/conv_os.h"
#include "kernels/depthwise_window.h"

namespace patternlite::kernels::PL_ISA {

// Most taps that are added at once, to whole vectors of virtual positions.
inline constexpr int kDepthwiseTaps = 9;
// How many vectors ahead inputs are prefetched, at last those of the next plane: so little is done
// for each vector that hardware prefetching from the second-level cache would be too late.
inline constexpr int kDepthwiseAhead = 8;

template <int Taps>
PL_INLINE void depthwise_plane(const ConvDepthwise& conv, int group, V low, V high) {
  const TapStream& stream = conv.stream;
  const int32_t* offset = stream.offset + stream.start[group];
  const float* weight = stream.weights + stream.start[group];
  const float* tap[Taps > 0 ? Taps : 1];
  V w[Taps > 0 ? Taps : 1];
  PL_UNROLL for (int t = 0; t < Taps; ++t) {
    tap[t] = conv.input + offset[t];
    w[t] = broadcast(weight[t]);
    pin(w[t]);
  }
  const V bias = broadcast(stream.bias[group]);
  const int32_t plane = stream.out_plane[group];
  const float* residual = conv.epilogue.residual ? conv.epilogue.residual + plane : nullptr;
  const int32_t* const mask = conv.mask;
  float* const output = conv.output + plane;
  for (ptrdiff_t at = conv.position_begin, end = conv.position_end; at < end; at += kLanes) {
    V sum = bias;
    if constexpr (Taps > 0) __builtin_prefetch(tap[Taps - 1] + at + kDepthwiseAhead * kLanes);
    PL_UNROLL for (int t = 0; t < Taps; ++t) sum += load(tap[t] + at) * w[t];
    if (residual) sum += load(residual + at);
    store(output + at, Lanes<V>(mask + at).keep(clamp(sum, low, high)));
  }
}

// Runs the groups from `group` on as long as they have this many taps. Returns the first one left.
template <int Taps>
int depthwise_planes_of(const ConvDepthwise& conv, int group) {
  const int32_t* start = conv.stream.start;
  const V low = broadcast(conv.epilogue.low), high = broadcast(conv.epilogue.high);
  for (; group < conv.group_end && start[group + 1] - start[group] == Taps; ++group) {
    if (conv.stream.out_plane[group] < 0) continue;
    depthwise_plane<Taps>(conv, group, low, high);
  }
  return group;
}

template <int Taps = kDepthwiseTaps>
auto depthwise_kernel(int taps) -> int (*)(const ConvDepthwise&, int) {
  if constexpr (Taps > 0) {
    if (taps != Taps) return depthwise_kernel<Taps - 1>(taps);
  }
  return &depthwise_planes_of<Taps>;
}

inline void conv_depthwise_planes(const ConvDepthwise& conv) {
  for (int group = conv.group_begin; group < conv.group_end;) {
    const int taps = conv.stream.start[group + 1] - conv.stream.start[group];
    if (taps <= kDepthwiseTaps) {
      group = depthwise_kernel(taps)(conv, group);
      continue;
    }
#if PL_LANES == 16
    if (conv.window == kWindow && taps == kWindowTaps) {
      if (conv.stream.out_plane[group] >= 0) {
        DepthwiseWindow(conv, group).run(conv.position_begin, conv.position_end);
      }
      ++group;
      continue;
    }
#endif
    conv_os<1>({.input = conv.input,
                .output = conv.output,
                .stream = conv.stream,
                .epilogue = conv.epilogue,
                .mask = conv.mask,
                .ahead = {},
                .fetch_taps = 0,
                .group_begin = group,
                .group_end = group + 1,
                .position_begin = conv.position_begin,
                .position_end = conv.position_end});
    ++group;
  }
}

}  // namespace patternlite::kernels::PL_ISA
