// Which inputs of taps to come should OS kernels fetch?
#pragma once

#include "engine/graph/graph.h"
#include "engine/pack/tap_stream.h"
#include "kernels/kernels.h"

namespace patternlite {

// kernels::ConvOs::fetch_taps of a layer whose input is not in the first-level cache. Where taps
// come in pairs in a row, as those of a pattern mostly do, one fetch brings both. Whether fetching
// pays differs from CPU to CPU: those that are short of loads lose by more of them. That is timed
// once for each process and size: 1 to 4 milliseconds.
int taps_to_fetch(const PackedStream& stream, const Window& window, int group_size,
                  const kernels::KernelTable& kernels);

}  // namespace patternlite
