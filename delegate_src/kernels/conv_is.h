// Input-stationary convolution: the inputs of a record stay in registers, while its filters'
// accumulators are loaded from L1 and stored back.
#pragma once

#include "kernels/fetch_ahead.h"
#include "kernels/gather.h"
#include "kernels/planar_store.h"

namespace patternlite::kernels::PL_ISA {

// Vectors per tile: 4 taps x kIsVectors inputs stay in registers.
inline constexpr int kIsVectors = kRegisters == 32 ? 4 : 2;
inline constexpr int kIsPositions = kIsVectors * kLanes;
inline constexpr int kIsAccumulators = 8192;  // 32 KB
// Words to prefetch ahead: a network's records do not fit into the second-level cache.
inline constexpr int kIsPrefetch = 512;

// A tile: real positions (in place: virtual ones) position .. position + count - 1, in `vectors`
// vectors, of which the last may be a half vector.
struct IsTile {
  int position, count, vectors;
};

// Runs `count` records of S filters for M vectors of positions, and half a vector more if `Half`;
// returns the word behind them.
template <int S, int M, bool Half>
PL_INLINE const IsWord* is_equal_records(const IsWord* word, int count, const float* slots,
                                         float* sums) {
  constexpr int kHeld = M > 0 ? M : 1;
  constexpr int kFilter = 1 + kIsTaps, kRecord = kIsTaps + S * kFilter;
  for (; count > 0; --count, word += kRecord) {
    fetch_lines<kRecord, 0, 3, true>(&word[kIsPrefetch].weight);
    V x[kIsTaps][kHeld];
    VHalf part[kIsTaps];
    PL_UNROLL for (int t = 0; t < kIsTaps; ++t) {
      const float* slot = slots + word[t].index;
      PL_UNROLL for (int m = 0; m < M; ++m) pin(x[t][m] = load(slot + m * kLanes));
      if constexpr (Half) pin(part[t] = load<VHalf>(slot + M * kLanes));
    }
    PL_UNROLL for (int s = 0; s < S; ++s) {
      const IsWord* filter = word + kIsTaps + s * kFilter;
      float* at = sums + filter->index;
      V sum[kHeld];
      VHalf half{};
      PL_UNROLL for (int m = 0; m < M; ++m) sum[m] = load(at + m * kLanes);
      if constexpr (Half) half = load<VHalf>(at + M * kLanes);
      PL_UNROLL for (int t = 0; t < kIsTaps; ++t) {
        const V w = broadcast(filter[1 + t].weight);
        PL_UNROLL for (int m = 0; m < M; ++m) accumulate(sum[m], x[t][m], w);
        if constexpr (Half) accumulate(half, part[t], low_half(w));
      }
      PL_UNROLL for (int m = 0; m < M; ++m) store(at + m * kLanes, sum[m]);
      if constexpr (Half) store(at + M * kLanes, half);
    }
  }
  return word;
}

// Runs records of 1 to S filters, count[0] of 1, count[1] of 2 and so on. Each number of filters
// has a loop of its own, without branches: with one for all, it would often be predicted wrongly.
template <int S, int M, bool Half>
PL_INLINE const IsWord* is_records(const IsWord* word, const int32_t* count, const float* slots,
                                   float* sums) {
  if constexpr (S > 1) word = is_records<S - 1, M, Half>(word, count, slots, sums);
  return is_equal_records<S, M, Half>(word, count[S - 1], slots, sums);
}

// Copies the tile's inputs of channels first .. end - 1 into their slots.
inline void is_gather(const ConvIs& conv, const IsTile& tile, const Gather* plans, int first,
                      int end, float* slots) {
  const IsStream& stream = conv.stream;
  for (int channel = first; channel < end; ++channel) {
    const float* plane = conv.input + channel * stream.input_plane;
    float* slot = slots + (channel - first) * stream.taps * conv.tile;
    for (int v = 0; v < tile.vectors; ++v) {
      gather(plane, stream.tap_offset, stream.taps, plans[v], slot + v * kLanes, conv.tile);
    }
  }
}

inline void is_plan(const ConvIs& conv, const IsTile& tile, Gather* plans) {
  int y = tile.position / conv.output_width, x = tile.position % conv.output_width;
  int left = tile.count;
  for (int v = 0; v < tile.vectors; ++v) {
    int32_t offset[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) {
      offset[lane] = y * conv.input_row_step + x * conv.input_column_step;
      if (--left <= 0) continue;  // lanes beyond the tile repeat its last position
      if (++x == conv.output_width) x = 0, ++y;
    }
    plan_gather(offset, plans[v]);
  }
}

// A run of sums within one output row and one vector.
struct IsRun {
  int32_t sum, output, count;
};

// Finds the runs of a tile; returns how many there are.
inline int is_runs(const ConvIs& conv, const IsTile& tile, IsRun* runs) {
  int y = tile.position / conv.output_width, x = tile.position % conv.output_width, used = 0;
  for (int done = 0; done < tile.count; ++used) {
    const int count = min(min(conv.output_width - x, tile.count - done), kLanes);
    runs[used] = {done, y * conv.output_pitch + x, count};
    done += count;
    x += count;
    if (x == conv.output_width) x = 0, ++y;
  }
  return used;
}

// Stores the finished sums of one filter to the rows of its plane.
PL_INLINE void is_store(const Epilogue& epilogue, const float* sums, const IsRun* runs, int used,
                        float* output, int32_t plane) {
  for (const IsRun* run = runs; run < runs + used; ++run) {
    const ptrdiff_t at = plane + run->output;
    V sum = load(sums + run->sum);
    if (epilogue.residual) sum += load(epilogue.residual + at);
    store_part(output + at, clamp(sum, epilogue.low, epilogue.high), run->count);
  }
}

template <int M, bool Half>
void is_tile(const ConvIs& conv, const IsTile& tile) {
  const IsStream& stream = conv.stream;
  constexpr int kVectors = M + Half;
  Gather plans[kVectors];
  is_plan(conv, tile, plans);
  IsRun runs[kVectors * kLanes];
  const int used = is_runs(conv, tile, runs);
  const int channel_groups = ceil_div(stream.channels, kIsChannels);
  for (int block = conv.block_begin; block < conv.block_end; ++block) {
    const int first_filter = stream.filter_start[block];
    const int filters = stream.filter_start[block + 1] - first_filter;
    float* sums = conv.scratch;
    float* slots = sums + filters * conv.tile;  // behind the sums, since is_store reads past them
    float* zeros = slots + kIsChannels * stream.taps * conv.tile;
    PL_UNROLL for (int m = 0; m < kVectors; ++m) store(zeros + m * kLanes, V{});
    for (int f = 0; f < filters; ++f) {
      const V bias = broadcast(stream.bias[first_filter + f]);
      PL_UNROLL for (int m = 0; m < kVectors; ++m) store(sums + f * conv.tile + m * kLanes, bias);
    }
    const IsWord* word = stream.words + stream.block_start[block];
    const int32_t* count = stream.record_count + block * channel_groups * kIsFilters;
    for (int group = 0; group < channel_groups; ++group, count += kIsFilters) {
      int records = 0;
      for (int i = 0; i < kIsFilters; ++i) records += count[i];
      if (records == 0) continue;
      const int first = group * kIsChannels;
      is_gather(conv, tile, plans, first, min(first + kIsChannels, stream.channels), slots);
      word = is_records<kIsFilters, M, Half>(word, count, slots, sums);
    }
    for (int f = 0; f < filters; ++f) {
      const int32_t plane = stream.out_plane[first_filter + f];
      if (plane >= 0) is_store(conv.epilogue, sums + f * conv.tile, runs, used, conv.output, plane);
    }
  }
}

// Runs a tile whose inputs are read in place.
template <int M, bool Half>
void is_tile_in_place(const ConvIs& conv, const IsTile& tile) {
  const IsStream& stream = conv.stream;
  const float* input = conv.input + tile.position;
  const int channel_groups = ceil_div(stream.channels, kIsChannelsInPlace);
  const PlanarStore<M> finish(conv, tile.position);
  const PlanarStore<Half, VHalf> finish_half(conv, tile.position + M * kLanes);
  constexpr int kPositions = M * kLanes + Half * kLanes / 2;
  const bool ahead = conv.ahead.channels != 0;
  for (int block = conv.block_begin; block < conv.block_end; ++block) {
    const int first_filter = stream.filter_start[block];
    const int filters = stream.filter_start[block + 1] - first_filter;
    for (int f = 0; f < filters; ++f) {
      const V bias = broadcast(stream.bias[first_filter + f]);
      float* sums = conv.scratch + f * conv.tile;
      PL_UNROLL for (int m = 0; m < M + Half; ++m) store(sums + m * kLanes, bias);
      if (!ahead) continue;
      fetch_output<kPositions>(conv, tile.position, stream.out_plane[first_filter + f]);
    }
    const IsWord* word = stream.words + stream.block_start[block];
    const int32_t* count = stream.record_count + block * channel_groups * kIsFilters;
    for (int group = 0; group < channel_groups; ++group, count += kIsFilters) {
      if (ahead) {
        fetch_input<kPositions>(conv.ahead, input + kPositions,
                                (block - conv.block_begin) * channel_groups + group,
                                (conv.block_end - conv.block_begin) * channel_groups);
      }
      word = is_records<kIsFilters, M, Half>(word, count, input, conv.scratch);
    }
    for (int f = 0; f < filters; ++f) {
      const int32_t plane = stream.out_plane[first_filter + f];
      if (plane < 0) continue;
      const float* from = conv.scratch + f * conv.tile;
      V sums[PlanarStore<M>::kHeld];
      PL_UNROLL for (int m = 0; m < M; ++m) sums[m] = load(from + m * kLanes);
      finish(sums, plane);
      if constexpr (Half) finish_half({load<VHalf>(from + M * kLanes)}, plane);
    }
  }
}

// Calls the instance for M vectors or fewer, found by counting down.
template <bool InPlace, int M, bool Half>
auto is_kernel(int vectors) -> void (*)(const ConvIs&, const IsTile&) {
  if constexpr (M > (Half ? 0 : 1)) {
    if (vectors != M) return is_kernel<InPlace, M - 1, Half>(vectors);
  }
  return InPlace ? &is_tile_in_place<M, Half> : &is_tile<M, Half>;
}

template <bool InPlace>
void conv_is(const ConvIs& conv) {
  const int vectors = ceil_div(conv.position_end - conv.position_begin, kLanes);
  const int tiles = ceil_div(vectors, conv.tile / kLanes);
  for (int i = 0, done = 0; i < tiles; ++i) {
    IsTile tile;
    tile.vectors = ceil_div(vectors - done, tiles - i);
    tile.position = conv.position_begin + done * kLanes;
    tile.count = min(tile.vectors * kLanes, conv.position_end - tile.position);
    done += tile.vectors;
    auto kernel = is_kernel<InPlace, kIsVectors, false>;
    int whole = tile.vectors;
#if PL_LANES == 16  // halves of the widest vectors only
    if (tile.count <= (whole - 1) * kLanes + kLanes / 2) {
      kernel = is_kernel<InPlace, kIsVectors - 1, true>;
      --whole;
    }
#endif
    kernel(whole)(conv, tile);
  }
}

}  // namespace patternlite::kernels::PL_ISA
