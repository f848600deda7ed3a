// A curve over a planar tensor, as the kernel wants it.
#pragma once

#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "engine/pack/planes.h"
#include "kernels/kernels.h"

namespace patternlite {

// One for each channel, where the curve has slopes.
inline std::vector<float> slopes_of(const CurveOp& op, int channels) {
  return op.slopes.size() == 1 ? std::vector<float>(channels, op.slopes[0]) : op.slopes;
}

// Without the tensors. slopes: slopes_of(op); the task refers to them.
inline kernels::Curve curve_task(const CurveOp& op, const PlanarLayout& layout,
                                 const std::vector<float>& slopes) {
  return {.input = nullptr,
          .output = nullptr,
          .kind = op.curve,
          .slopes = slopes.empty() ? nullptr : slopes.data(),
          .planes = planes_of(layout)};
}

// The part with the channels from `first` to `last`.
inline kernels::Curve channels_of(kernels::Curve task, int first, int last) {
  task.input += first * task.planes.plane;
  task.output += first * task.planes.plane;
  if (task.slopes) task.slopes += first;
  task.planes.channels = last - first;
  return task;
}

}  // namespace patternlite
