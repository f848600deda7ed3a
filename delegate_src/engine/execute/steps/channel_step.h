// Operators that a kernel runs on any channels of a tensor, apart from the others.
#pragma once

#include <utility>
#include <vector>

#include "engine/execute/steps.h"
#include "engine/execute/steps/share_out.h"
#include "engine/pack/curve_task.h"

namespace patternlite {

// The part of a task with the channels from `first` to `last`.
inline kernels::Binary channels_of(kernels::Binary task, int first, int last) {
  task.a += first * task.plane;
  task.b += first * task.plane;
  task.output += first * task.plane;
  task.channels = last - first;
  return task;
}

inline kernels::Scale channels_of(kernels::Scale task, int first, int last) {
  task.input += first * task.plane;
  task.output += first * task.plane;
  task.scales += first * task.scale_stride;
  if (task.shifts) task.shifts += first;
  task.channels = last - first;
  return task;
}

template <typename Task>
class ChannelStep final : public Step {
 public:
  // constants: that the task points to.
  ChannelStep(void (*kernel)(const Task&), const Task& task, std::vector<float> constants = {})
      : kernel_(kernel), task_(task), constants_(std::move(constants)) {}

  void run(Parallel& parallel) override {
    share_out(task_.channels, task_.channels * task_.plane, parallel,
              [this](int first, int last) { kernel_(channels_of(task_, first, last)); });
  }

 private:
  void (*kernel_)(const Task&);
  Task task_;
  std::vector<float> constants_;
};

}  // namespace patternlite
