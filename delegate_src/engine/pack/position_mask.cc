#include "engine/pack/position_mask.h"

#include <map>
#include <mutex>
#include <tuple>

namespace patternlite {

std::shared_ptr<const std::vector<int32_t>> position_mask(const PlanarLayout& layout) {
  using Geometry = std::tuple<int, int, int>;
  static std::mutex mutex;
  static std::map<Geometry, std::weak_ptr<const std::vector<int32_t>>> known;
  std::lock_guard lock(mutex);
  const Geometry geometry(layout.shape.height, layout.shape.width, layout.pitch());
  if (const auto found = known.find(geometry); found != known.end()) {
    if (auto mask = found->second.lock()) return mask;
  }
  std::erase_if(known, [](const auto& entry) { return entry.second.expired(); });
  auto mask = std::make_shared<std::vector<int32_t>>(layout.padded_positions() + kVector);
  for (int y = 0; y < layout.shape.height; ++y) {
    for (int x = 0; x < layout.shape.width; ++x) (*mask)[y * layout.pitch() + x] = -1;
  }
  known[geometry] = mask;
  return mask;
}

}  // namespace patternlite
