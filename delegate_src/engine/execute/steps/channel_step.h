// Operators that a kernel runs on any channels of a tensor, apart from the others.
#pragma once

#include <utility>
#include <vector>

#include "engine/execute/steps.h"
#include "engine/pack/curve_task.h"
#include "engine/support/share_out.h"

namespace patternlite {

// The part of a task with the channels from `first` to `last`.
inline kernels::Binary channels_of(kernels::Binary task, int first, int last) {
  task.a += first * task.planes.plane;
  task.b += first * task.planes.plane;
  task.output += first * task.planes.plane;
  task.planes.channels = last - first;
  return task;
}

inline kernels::Scale channels_of(kernels::Scale task, int first, int last) {
  task.input += first * task.planes.plane;
  task.output += first * task.planes.plane;
  task.scales += first * task.scale_stride;
  if (task.shifts) task.shifts += first;
  task.planes.channels = last - first;
  return task;
}

inline kernels::Norm channels_of(kernels::Norm task, int first, int last) {
  task.input += first * task.planes.plane;
  task.output += first * task.planes.plane;
  task.scales += first;
  task.shifts += first;
  task.planes.channels = last - first;
  return task;
}

// A Scaling's or a norm's, in one piece.
template <typename Op>
std::vector<float> scales_and_shifts(const Op& op) {
  std::vector<float> constants = op.scales;
  constants.insert(constants.end(), op.shifts.begin(), op.shifts.end());
  return constants;
}

template <typename Task>
class ChannelStep final : public Step {
 public:
  // constants: that the task points to.
  ChannelStep(void (*kernel)(const Task&), const Task& task, std::vector<float> constants = {})
      : kernel_(kernel), task_(task), constants_(std::move(constants)) {}

  void run(Parallel& parallel) override {
    share_out(task_.planes.channels, task_.planes.channels * task_.planes.plane, parallel,
              [this](int first, int last) { kernel_(channels_of(task_, first, last)); });
  }

 private:
  void (*kernel_)(const Task&);
  Task task_;
  std::vector<float> constants_;
};

}  // namespace patternlite
