#include <algorithm>

#include "engine/execute/steps.h"
#include "engine/support/share_out.h"

namespace patternlite {
namespace {

class ClearStep final : public Step {
 public:
  ClearStep(const PlanarLayout& layout, float* planar, Borders which)
      : layout_(layout), planar_(planar), which_(which) {}
  void run(Parallel& parallel) override { clear_borders(layout_, planar_, which_, parallel); }

 private:
  const PlanarLayout layout_;
  float* planar_;
  Borders which_;
};

}  // namespace

void clear_borders(const PlanarLayout& layout, float* planar, Borders which, Parallel& parallel) {
  const int around = layout.border * layout.pitch() + layout.border;
  share_out(layout.shape.channels, layout.elements(), parallel, [&](int first, int last) {
    for (int c = first; c < last; ++c) {
      float* const plane = planar + c * layout.plane();
      std::fill_n(plane - around, around, 0.0f);
      std::fill_n(plane + layout.positions(), around, 0.0f);
      if (which == Borders::kAll) clear_gaps(layout, plane, {0, layout.shape.height});
    }
  });
}

std::unique_ptr<Step> make_clear_step(TensorId id, const TensorMemory& memory, Borders which) {
  return std::make_unique<ClearStep>(memory.layouts[id], memory.at(id), which);
}

}  // namespace patternlite
