// A session's planar memory.
#pragma once

#include <map>
#include <memory>
#include <tuple>

#include "engine/graph/planar.h"
#include "engine/support/aligned.h"

namespace patternlite::mnn {

// Layers run one after the other, so tensors of one geometry can share memory: their zero borders
// lie in the same places, and stay zero. What no layer holds any longer is freed.
class PlanarScratch {
 public:
  enum class Role { kInput, kOutput };  // a layer's two tensors are not the same memory

  // Holds at least layout.elements(). It may move when another layer asks for more.
  std::shared_ptr<AlignedVector<float>> reserve(Role role, const PlanarLayout& layout);

 private:
  using Geometry = std::tuple<Role, int, int, int>;  // height, width, border
  std::map<Geometry, std::weak_ptr<AlignedVector<float>>> memory_;
};

}  // namespace patternlite::mnn
