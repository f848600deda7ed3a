// Slots of memory for tensors of any geometry, taken and released in the order of a graph's nodes.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"

namespace patternlite {

inline constexpr int kBeforeAll = -1;  // instead of a node, for what the caller writes

struct SlotUse {
  TensorId tensor;
  int node;      // that writes it first
  bool padding;  // whether the zeros of its borders are read
};

class SlotAllocator {
 public:
  // layouts: of all tensors, as long as this.
  explicit SlotAllocator(const std::vector<PlanarLayout>& layouts) : layouts_(layouts) {}

  // Takes a free slot, or a new one; it grows if necessary. The slot of a tensor written before all
  // nodes is reused only by tensors of its geometry.
  int take(const SlotUse& use);
  void release(int slot) { slots_[slot].taken = false; }

  // Floats of each slot.
  std::vector<std::size_t> sizes() const;
  // The uses whose zeros must be written, because tensors of other geometries may have been in
  // their slots, in this run or at the end of the last one.
  std::vector<SlotUse> cleared() const;

 private:
  struct Slot {
    std::size_t floats = 0;
    bool taken = false;
    const PlanarLayout* zeros = nullptr;  // its borders are zero, from some use in this run on
    std::vector<SlotUse> uses, cleared;
    // Inputs of the graph are taken while no slot is free, so they are the first in theirs.
    bool stays() const { return uses.front().node == kBeforeAll; }
    bool has_zeros_of(const PlanarLayout& layout) const {
      return zeros && zeros->same_geometry(layout) &&
             zeros->shape.channels >= layout.shape.channels;
    }
  };
  const PlanarLayout& layout_of(const SlotUse& use) const { return layouts_[use.tensor]; }
  bool one_geometry(const Slot& slot) const;
  int find(const SlotUse& use) const;

  const std::vector<PlanarLayout>& layouts_;
  std::vector<Slot> slots_;
};

}  // namespace patternlite
