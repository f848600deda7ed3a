// Packed weights of the IS kernel: the arrays behind a kernels::IsStream.
#pragma once

#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "engine/recognise/tap_sets.h"
#include "kernels/kernels.h"

namespace patternlite {

struct RecordStream {
  std::vector<int32_t> tap_offset, block_start, record_count, filter_start, out_plane;
  std::vector<kernels::IsWord> words;
  std::vector<float> bias;
  int channels = 0;

  int blocks() const { return static_cast<int>(block_start.size()); }
  int largest_block() const;
  std::size_t bytes() const;
  kernels::IsStream view(const PlanarLayout& input) const;
};

// Packs filters in blocks of at most `block_filters`, for tiles of `tile` positions.
RecordStream pack_records(const Convolution& conv, const TapSets& taps, const PlanarLayout& input,
                          const PlanarLayout& output, int tile, int block_filters);

}  // namespace patternlite
