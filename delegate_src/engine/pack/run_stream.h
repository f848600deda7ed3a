// Packed weights of the BC kernel: the arrays behind a kernels::RunStream.
#pragma once

#include <span>
#include <vector>

#include "engine/pack/tap_stream.h"

namespace patternlite {

// Joins taps to runs in which every offset is `step` larger than the one before. Returns the
// indices of each run's taps, at most `longest` of them; shorter runs come first.
std::vector<std::vector<int>> join_runs(std::span<const int32_t> offsets, int step, int longest);

struct PackedRuns {
  AlignedVector<int32_t> start, first_tap, offset, out_plane;
  AlignedVector<float> weights, bias;

  int groups() const { return static_cast<int>(first_tap.size()); }
  std::size_t bytes() const;
  kernels::RunStream view() const;
};

// `stream` holds groups of 16 filters; `step` is the convolution's input_column_step.
PackedRuns pack_runs(const PackedStream& stream, int step, int longest);

}  // namespace patternlite
