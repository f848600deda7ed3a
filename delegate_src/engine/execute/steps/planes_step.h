// Operators whose kernel can run on some channels of a tensor, or some rows, independently.
#pragma once

#include <utility>
#include <vector>

#include "engine/execute/steps.h"
#include "engine/pack/curve_task.h"
#include "engine/support/share_out.h"

namespace patternlite {

// The part of a task for the channels from `first` to `last`.
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

// The part of a task for the rows from `first` to `last`.
inline kernels::Binary rows_of(kernels::Binary task, int first, int last) {
  const std::ptrdiff_t offset = std::ptrdiff_t{first} * task.planes.pitch;
  task.a += offset;
  task.b += offset;
  task.output += offset;
  task.planes.height = last - first;
  return task;
}

template <typename Task>
Task rows_of(Task task, int first, int last) {
  const std::ptrdiff_t offset = std::ptrdiff_t{first} * task.planes.pitch;
  task.input += offset;
  task.output += offset;
  task.planes.height = last - first;
  return task;
}

// What must stay on one thread: the positions of a channel, the channels of a position, or neither.
enum class Together { kPositions, kChannels, kNothing };

// The scales and shifts of a Scaling or a norm, in one piece.
template <typename Op>
std::vector<float> scales_and_shifts(const Op& op) {
  std::vector<float> constants = op.scales;
  constants.insert(constants.end(), op.shifts.begin(), op.shifts.end());
  return constants;
}

template <typename Task>
class PlanesStep final : public Step {
 public:
  // constants: the memory that the task points to.
  PlanesStep(void (*kernel)(const Task&), const Task& task, std::vector<float> constants = {},
             Together together = Together::kNothing)
      : kernel_(kernel), task_(task), constants_(std::move(constants)), together_(together) {}

  void run(Parallel& parallel) override {
    const kernels::Planes& planes = task_.planes;
    const std::size_t floats = planes.channels * planes.plane;
    if (by_rows(parallel.threads())) {
      share_out(planes.height, floats, parallel,
                [this](int first, int last) { kernel_(rows_of(task_, first, last)); });
      return;
    }
    share_out(planes.channels, floats, parallel,
              [this](int first, int last) { kernel_(channels_of(task_, first, last)); });
  }

 private:
  bool by_rows(int threads) const {
    if (together_ != Together::kNothing) return together_ == Together::kChannels;
    return cut_rows_of_few(task_.planes.channels, task_.planes.height, threads);
  }

  void (*kernel_)(const Task&);
  Task task_;
  std::vector<float> constants_;
  Together together_;
};

}  // namespace patternlite
