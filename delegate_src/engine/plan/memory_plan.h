// Where the graph's tensors lie: planar layouts, and slots of memory that are used again.
#pragma once

#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"

namespace patternlite {

struct MemoryPlan {
  std::vector<PlanarLayout> layouts;  // [tensors]
  std::vector<int> slot;              // [tensors]: index into slots; -1: the tensor is never used
  std::vector<int> channel;           // [tensors]: the channel of its slot where it begins
  std::vector<PlanarLayout> slots;    // the largest layout each slot holds
  std::size_t bytes() const;
};

// Tensors of one height and width get one border, the widest that any convolution of them needs, so
// that convolutions keep the pitch. A slot is shared only by tensors of one geometry: their zero
// borders coincide, and zeroing memory once is enough. What goes into a concatenation is written
// where it will lie there.
MemoryPlan plan_memory(const Graph& graph);

}  // namespace patternlite
