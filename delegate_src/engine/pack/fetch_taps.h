// Which inputs of later taps OS kernels should prefetch.
#pragma once

#include "engine/graph/graph.h"
#include "engine/pack/tap_stream.h"

namespace patternlite {

// kernels::ConvOs::fetch_taps for a layer whose input is not in the first-level cache. If taps come
// in pairs within a row, as those of a pattern mostly do, one fetch brings both.
int taps_to_fetch(const PackedStream& stream, const Window& window);

}  // namespace patternlite
