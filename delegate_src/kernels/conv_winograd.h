// Dense convolutions by Winograd's algorithm along rows: a row of inputs is transformed once, for
// all rows of outputs and all filters that read it; the vector runs over 16 filters.
//
// A stride of s turns a filter into s filters (*phases*) of every s-th tap, each with stride 1 on
// every s-th input.
#pragma once

#include "kernels/conv_bc.h"
#include "kernels/winograd.h"

namespace patternlite::kernels::PL_ISA {

// As many tiles as have their sums, one vector for each point, in registers beside a weight.
inline constexpr int kWinogradAtOnce = kRegisters == 32 ? kWinogradTiles : kWinogradTiles / 2;
inline constexpr int kWinogradBlock = kWinogradTiles * kWinogradOutputs;  // positions

// Distributes a row's inputs among `4 * phases` streams, so that the inputs of one tap are a vector
// over tiles.
inline void winograd_deal(const ConvWinograd& conv, const float* row, float* streams) {
  const int count = kWinogradOutputs * conv.phases, length = conv.stream_length;
  for (int s = 0; s < count; ++s) {
    const int whole = max(0, conv.columns - s + count - 1) / count;
    float* stream = streams + s * length;
    for (int i = 0; i < whole; ++i) stream[i] = row[i * count + s];
    for (int i = whole; i < length; ++i) stream[i] = 0;
  }
}

// Transformed inputs must be smaller, or the row is left to `direct`: a large value's rounding
// error affects all outputs of its tile, even those that do not read it. Transformed inputs are up
// to 7.5 times the inputs, and pixels are at most 255.
constexpr float kWinogradLimit = 0x1p12f;
// Multiplying by this makes larger values infinite, and infinity times zero is NaN.
constexpr float kWinogradToInfinity = 0x1p64f / kWinogradLimit * 0x1p64f;

// Transforms one input row of every channel to [channel][phase][block][point][tile]. Returns false
// if a value is NaN or too large.
template <int Points>
bool winograd_row(const ConvWinograd& conv, const float* row, float* streams, float* to) {
  constexpr Winograd<Points> kMatrix;
  const int count = kWinogradOutputs * conv.phases, tiles = conv.blocks * kWinogradTiles;
  V tame{};
  for (int channel = 0; channel < conv.channels; ++channel, row += conv.input_plane) {
    winograd_deal(conv, row, streams);
    for (int phase = 0; phase < conv.phases; ++phase) {
      const float* inputs[Points];  // of tile 0
      PL_UNROLL for (int i = 0; i < Points; ++i) {
        const int at = i * conv.phases + phase;
        inputs[i] = streams + at % count * conv.stream_length + at / count;
      }
      PL_UNROLL for (int k = 0; k < Points; ++k) {
        for (int tile = 0; tile < tiles; tile += kLanes) {
          V sum{};
          PL_UNROLL for (int i = 0; i < Points; ++i) {
            if (kMatrix.inputs[k][i] == 0) continue;
            sum += load(inputs[i] + tile) * static_cast<float>(kMatrix.inputs[k][i]);
          }
          tame += sum * kWinogradToInfinity * 0.0f;
          store_quads(to + tile * Points + k * kWinogradTiles, sum,
                      min(kLanes, tiles - tile) / kWinogradTiles, Points * kWinogradTiles);
        }
      }
      to += tiles * Points;
    }
  }
  bool all = true;
  for (int lane = 0; lane < kLanes; ++lane) all &= tame[lane] == 0;
  return all;
}

// Computes the sums of one group over a block of positions, [position][16].
template <int Points>
void winograd_sums(const ConvWinograd& conv, const float* const* rows, int block, int group,
                   float* sums) {
  constexpr Winograd<Points> kMatrix;
  constexpr int T = kWinogradAtOnce;
  const int terms = conv.channels * conv.phases;
  const ptrdiff_t step = static_cast<ptrdiff_t>(conv.blocks) * kWinogradTiles * Points;
  const ptrdiff_t group_weights =
      static_cast<ptrdiff_t>(conv.kernel_h) * terms * Points * kBcFilters;
  for (int part = 0; part < kBcVectors * (kWinogradTiles / T); ++part) {
    const int vector = part % kBcVectors * kLanes, first = part / kBcVectors * T;
    const float* weight = conv.weights + group * group_weights + vector;
    V sum[T][Points];
    PL_UNROLL for (int t = 0; t < T; ++t) {
      PL_UNROLL for (int k = 0; k < Points; ++k) sum[t][k] = V{};
    }
    for (int y = 0; y < conv.kernel_h; ++y) {
      const float* input = rows[y] + block * kWinogradTiles * Points + first;
      for (int term = 0; term < terms; ++term, input += step, weight += Points * kBcFilters) {
        PL_UNROLL for (int k = 0; k < Points; ++k) {
          V w = load(weight + k * kBcFilters);
          pin(w);
          PL_UNROLL for (int t = 0; t < T; ++t) {
            sum[t][k] += broadcast(input[k * kWinogradTiles + t]) * w;
          }
        }
      }
    }
    const V bias = load(conv.direct.stream.bias + group * kBcFilters + vector);
    PL_UNROLL for (int t = 0; t < T; ++t) {
      PL_UNROLL for (int i = 0; i < kWinogradOutputs; ++i) {
        V output = bias;
        PL_UNROLL for (int k = 0; k < Points; ++k) {
          if (kMatrix.outputs[i][k] == 0) continue;
          output += sum[t][k] * static_cast<float>(kMatrix.outputs[i][k]);
        }
        store(sums + ((first + t) * kWinogradOutputs + i) * kBcFilters + vector, output);
      }
    }
  }
}

template <int Points>
void winograd_rows(const ConvWinograd& conv) {
  ConvBc direct = conv.direct;
  const int kernel_h = conv.kernel_h;
  const ptrdiff_t row_floats =
      static_cast<ptrdiff_t>(conv.channels) * conv.phases * conv.blocks * kWinogradTiles * Points;
  float* const streams = conv.scratch + kernel_h * row_floats;
  alignas(64) float sums[kBcSums] = {};
  bool tame[kWinogradMostRows];
  const float* rows[kWinogradMostRows];
  // Input rows are counted from the first one that the first output row reads; each stays in a ring
  // buffer until the last output row that reads it.
  int transformed = conv.direct.row_begin * conv.stride_h;
  for (int y = conv.direct.row_begin; y < conv.direct.row_end; ++y) {
    const int first = y * conv.stride_h;
    for (; transformed < first + kernel_h; ++transformed) {
      const int place = transformed % kernel_h;
      tame[place] = winograd_row<Points>(
          conv, conv.first_row + static_cast<ptrdiff_t>(transformed) * conv.input_pitch, streams,
          conv.scratch + place * row_floats);
    }
    bool all = true;
    for (int i = 0; i < kernel_h; ++i) {
      const int place = (first + i) % kernel_h;
      rows[i] = conv.scratch + place * row_floats;
      all &= tame[place];
    }
    if (!all) {  // NaN and large values must reach the outputs that read them, and no others
      direct.row_begin = y;
      direct.row_end = y + 1;
      conv_bc16(direct);
      continue;
    }
    for (int group = conv.direct.group_begin; group < conv.direct.group_end; ++group) {
      for (int block = 0; block < conv.blocks; ++block) {
        winograd_sums<Points>(conv, rows, block, group, sums);
        const int x = block * kWinogradBlock;
        const int columns = min(kWinogradBlock, direct.output_width - x);
        BcStore(direct, {y, x, 1, columns})(direct, group, sums);
      }
    }
  }
}

inline void conv_winograd(const ConvWinograd& conv) {
  if (conv.points == 5) return winograd_rows<5>(conv);
  if (conv.points == 6) return winograd_rows<6>(conv);
  winograd_rows<7>(conv);
}

}  // namespace patternlite::kernels::PL_ISA
