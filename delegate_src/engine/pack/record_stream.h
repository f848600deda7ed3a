// Packed weights of the IS kernel: the arrays behind a kernels::IsStream.
#pragma once

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "engine/recognise/tap_sets.h"
#include "engine/support/aligned.h"
#include "kernels/kernels.h"

namespace patternlite {

struct RecordStream {
  AlignedVector<int32_t> tap_offset, block_start, record_count, filter_start, out_plane;
  AlignedVector<kernels::IsWord> words;
  AlignedVector<float> bias;
  int channels = 0;

  int blocks() const { return static_cast<int>(block_start.size()); }
  int largest_block() const;
  std::size_t bytes() const;
  kernels::IsStream view(const PlanarLayout& input) const;
};

// How the kernel will go over a layer: in tiles of `positions`, at most `block_filters` filters at
// a time, with inputs gathered or read where they are (in_place: see kernels/convolutions.h).
struct IsTiling {
  int positions, block_filters;
  bool in_place;
};

RecordStream pack_records(const Convolution& conv, const TapSets& taps, const PlanarLayout& input,
                          const PlanarLayout& output, const IsTiling& tiling);

}  // namespace patternlite
