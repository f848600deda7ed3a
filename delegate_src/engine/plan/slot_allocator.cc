#include "engine/plan/slot_allocator.h"

#include <algorithm>
#include <tuple>

namespace patternlite {

int SlotAllocator::take(const SlotUse& use) {
  const PlanarLayout& layout = layout_of(use);
  int index = find(use);
  if (index < 0) {
    index = static_cast<int>(slots_.size());
    slots_.emplace_back();
  }
  Slot& slot = slots_[index];
  slot.floats = std::max(slot.floats, layout.elements());
  slot.taken = true;
  slot.uses.push_back(use);
  if (use.padding && !slot.has_zeros_of(layout)) {
    slot.cleared.push_back(use);
    slot.zeros = &layout;
  } else if (slot.zeros && !slot.zeros->same_geometry(layout)) {
    slot.zeros = nullptr;
  }
  return index;
}

// The smallest free slot that holds the tensor, preferably one in which no zeros need be written;
// otherwise the largest, to grow; -1: none is free.
int SlotAllocator::find(const SlotUse& use) const {
  const PlanarLayout& wanted = layout_of(use);
  const std::size_t floats = wanted.elements();
  const auto rank = [&](const Slot& slot) {
    const bool small = slot.floats < floats;
    const bool same = slot.zeros && slot.zeros->same_geometry(wanted);
    const bool clears = use.padding ? !slot.has_zeros_of(wanted) : slot.zeros && !same;
    return std::tuple(small, clears, small ? floats - slot.floats : slot.floats - floats);
  };
  int best = -1;
  for (int i = 0; i < static_cast<int>(slots_.size()); ++i) {
    const Slot& slot = slots_[i];
    const bool fits = !slot.stays() || layout_of(slot.uses.front()).same_geometry(wanted);
    if (slot.taken || !fits) continue;
    if (best < 0 || rank(slot) < rank(slots_[best])) best = i;
  }
  return best;
}

std::vector<std::size_t> SlotAllocator::sizes() const {
  std::vector<std::size_t> floats;
  for (const Slot& slot : slots_) floats.push_back(slot.floats);
  return floats;
}

std::vector<SlotUse> SlotAllocator::cleared() const {
  std::vector<SlotUse> cleared;
  for (const Slot& slot : slots_) {
    if (one_geometry(slot)) continue;  // its borders are zero from the beginning
    cleared.insert(cleared.end(), slot.cleared.begin(), slot.cleared.end());
  }
  return cleared;
}

bool SlotAllocator::one_geometry(const Slot& slot) const {
  return std::all_of(slot.uses.begin(), slot.uses.end(), [&](const SlotUse& use) {
    return layout_of(use).same_geometry(layout_of(slot.uses.front()));
  });
}

}  // namespace patternlite
