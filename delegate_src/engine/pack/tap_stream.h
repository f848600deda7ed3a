// Packed weights of filter groups: the arrays behind a kernels::TapStream.
#pragma once

#include <functional>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "engine/recognise/tap_sets.h"
#include "engine/support/aligned.h"
#include "kernels/kernels.h"

namespace patternlite {

// Element offset of tap `tap` (channel * area + y * kernel_w + x) in a planar input, counted from
// an output position's input position.
int tap_offset(const Window& window, const PlanarLayout& input, int tap);

struct PackedStream {
  AlignedVector<int32_t> start, offset, out_plane;
  AlignedVector<float> weights, bias;

  int groups() const { return static_cast<int>(start.size()) - 1; }
  std::size_t bytes() const;
  kernels::TapStream view() const;
};

// The same, for a tap of this filter: to the input that it reads.
using TapOffset = std::function<int(int filter, int tap)>;

// Packs each group with exactly `size` filters; missing ones get zero weights and plane -1.
PackedStream pack_stream(const Convolution& conv, const TapSets& taps,
                         const std::vector<std::vector<int>>& groups, int size,
                         const TapOffset& offset_of, const PlanarLayout& output);
// The same for a planar input.
PackedStream pack_stream(const Convolution& conv, const TapSets& taps,
                         const std::vector<std::vector<int>>& groups, int size,
                         const PlanarLayout& input, const PlanarLayout& output);

}  // namespace patternlite
