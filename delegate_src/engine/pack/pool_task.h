// The kernel's task for pooling of planar tensors.
#pragma once

#include "engine/graph/activation.h"
#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "engine/graph/row_window.h"
#include "kernels/kernels.h"

namespace patternlite {

// The task without its tensors. Op: Pooling or FusedPooling.
template <typename Op>
kernels::Pool pool_task(const Op& op, const PlanarLayout& input, const PlanarLayout& output) {
  const Clamp clamp = clamp_of(op.activation);
  return {.input = nullptr,
          .output = nullptr,
          .kind = op.mode,
          .channels = output.shape.channels,
          .input_height = input.shape.height,
          .input_width = input.shape.width,
          .input_pitch = input.pitch(),
          .output_height = output.shape.height,
          .output_width = output.shape.width,
          .output_pitch = output.pitch(),
          .input_plane = input.plane(),
          .output_plane = output.plane(),
          .kernel_h = op.window.kernel_h,
          .kernel_w = op.window.kernel_w,
          .stride_h = op.window.stride_h,
          .stride_w = op.window.stride_w,
          .pad_top = op.window.pad_top,
          .pad_left = op.window.pad_left,
          .low = clamp.low,
          .high = clamp.high};
}

// The part of a task for these rows of the output.
inline kernels::Pool rows_of_pool(kernels::Pool task, Range rows) {
  task.pad_top -= rows.begin * task.stride_h;
  task.output += std::ptrdiff_t{rows.begin} * task.output_pitch;
  task.output_height = rows.count();
  return task;
}

}  // namespace patternlite
