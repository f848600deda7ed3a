// Which virtual positions of a planar tensor are real.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/graph/planar.h"

namespace patternlite {

// One int per virtual position, padded to whole vectors and one more: -1 for a real position, 0 for
// a pad. Tensors of equal geometry share a mask.
std::shared_ptr<const std::vector<int32_t>> position_mask(const PlanarLayout& layout);

}  // namespace patternlite
