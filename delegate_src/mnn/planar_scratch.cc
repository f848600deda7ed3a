#include "mnn/planar_scratch.h"

namespace patternlite::mnn {

std::shared_ptr<AlignedVector<float>> PlanarScratch::reserve(Role role,
                                                             const PlanarLayout& layout) {
  std::erase_if(memory_, [](const auto& entry) { return entry.second.expired(); });
  auto& entry = memory_[{role, layout.shape.height, layout.shape.width, layout.border}];
  auto memory = entry.lock();
  if (!memory) {
    memory = std::make_shared<AlignedVector<float>>();
    entry = memory;
  }
  if (memory->size() < layout.elements()) memory->resize(layout.elements());
  return memory;
}

}  // namespace patternlite::mnn
