// The kernel's task for a curve over a planar tensor.
#pragma once

#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "engine/pack/planes.h"
#include "kernels/kernels.h"

namespace patternlite {

// The curve's slopes, one for each channel; none if it has none.
inline std::vector<float> slopes_of(const CurveOp& op, int channels) {
  return op.slopes.size() == 1 ? std::vector<float>(channels, op.slopes[0]) : op.slopes;
}

// The task without its tensors. slopes: slopes_of(op), to which the task refers.
inline kernels::Curve curve_task(const CurveOp& op, const PlanarLayout& layout,
                                 const std::vector<float>& slopes) {
  return {.input = nullptr,
          .output = nullptr,
          .kind = op.curve,
          .slopes = slopes.empty() ? nullptr : slopes.data(),
          .planes = planes_of(layout)};
}

// The part of a task for the channels from `first` to `last`.
inline kernels::Curve channels_of(kernels::Curve task, int first, int last) {
  task.input += first * task.planes.plane;
  task.output += first * task.planes.plane;
  if (task.slopes) task.slopes += first;
  task.planes.channels = last - first;
  return task;
}

}  // namespace patternlite
