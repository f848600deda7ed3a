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

// Element offset, in a planar input, of tap `tap` (channel * area + y * kernel_w + x) from the
// input position of an output position.
int tap_offset(const Window& window, const PlanarLayout& input, int tap);

struct PackedStream {
  AlignedVector<int32_t> start, offset, out_plane;
  AlignedVector<float> weights, bias;

  int groups() const { return static_cast<int>(start.size()) - 1; }
  std::size_t bytes() const;
  kernels::TapStream view() const;
};

// From the input position of an output position to the input that `tap` of `filter` reads.
using TapOffset = std::function<int(int filter, int tap)>;

// Packs each group to exactly `size` filters; missing ones get zero weights and plane -1.
PackedStream pack_stream(const Convolution& conv, const TapSets& taps,
                         const std::vector<std::vector<int>>& groups, int size,
                         const TapOffset& offset_of, const PlanarLayout& output);
// Of a planar input.
PackedStream pack_stream(const Convolution& conv, const TapSets& taps,
                         const std::vector<std::vector<int>>& groups, int size,
                         const PlanarLayout& input, const PlanarLayout& output);

}  // namespace patternlite
