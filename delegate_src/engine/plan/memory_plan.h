// Where the graph's tensors lie: planar layouts, and slots of memory that are reused.
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

  // Offset, within its slot, of row 0, column 0 of the tensor's channel 0.
  std::size_t origin(TensorId id) const;
  std::size_t bytes() const;
};

// A slot may be reused by tensors of any geometry; those of equal geometry have their zero borders
// in the same places, which then stay zero. Inputs of the graph share slots only with tensors of
// their own geometry. A concatenation's parts are written in place, and slices are read in place.
//
// Tensors within chains have no slot: windows of them are held in scratch memory. What a chain
// reads and writes lives as long as the chain runs.
MemoryPlan plan_memory(const Graph& graph, const std::vector<Chain>& chains = {});

}  // namespace patternlite
