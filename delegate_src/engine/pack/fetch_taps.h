// Which inputs of taps to come should OS kernels fetch?
#pragma once

#include "engine/graph/graph.h"
#include "engine/pack/tap_stream.h"

namespace patternlite {

// kernels::ConvOs::fetch_taps of a layer whose input is not in the first-level cache. Where taps
// come in pairs in a row, as those of a pattern mostly do, one fetch brings both.
int taps_to_fetch(const PackedStream& stream, const Window& window);

}  // namespace patternlite
