// Where the graph's tensors lie: planar layouts, and slots of memory that are used again.
#pragma once

#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "engine/plan/chains.h"

namespace patternlite {

struct MemoryPlan {
  std::vector<PlanarLayout> layouts;  // [tensors]
  std::vector<int> slot;              // [tensors]: index into slots; -1: the tensor is never used
  std::vector<int> channel;           // [tensors]: the channel of its slot where it begins
  std::vector<std::size_t> slots;     // floats of each
  // [nodes]: the tensor whose borders must be made zero before the node runs; kNoTensor: none.
  std::vector<TensorId> clears;
  std::vector<std::size_t> scratch;  // floats for the windows of chains, of each share

  // Where in its slot row 0, column 0 of the tensor's channel 0 lies.
  std::size_t origin(TensorId id) const;
  std::size_t bytes() const;
};

// A slot is used again by tensors of any geometry; those of one have their zero borders in the same
// places, and these stay zero. Inputs of the graph share theirs with such alone. What goes into a
// concatenation is written where it will lie there, and a part of a map is read where it lies.
//
// Tensors within chains have no slot: windows of them are held in scratch memory. What a
// chain reads and writes lives as long as the chain runs.
MemoryPlan plan_memory(const Graph& graph, const std::vector<Chain>& chains = {});

}  // namespace patternlite
