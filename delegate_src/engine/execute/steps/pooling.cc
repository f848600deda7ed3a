#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/over_channels.h"
#include "engine/graph/activation.h"

namespace patternlite {
namespace {

// Also runs an activation that stands alone: pooling over windows of one.
class PoolStep final : public Step {
 public:
  PoolStep(const Pooling& op, const TensorMemory& memory, const kernels::KernelTable& kernels)
      : kernel_(kernels.pool) {
    const PlanarLayout &in = memory.layouts[op.input], &out = memory.layouts[op.output];
    const Clamp clamp = clamp_of(op.activation);
    task_ = {
        .input = memory.at(op.input),
        .output = memory.at(op.output),
        .kind = op.mode == PoolMode::kMax ? kernels::PoolKind::kMax : kernels::PoolKind::kAverage,
        .channels = out.shape.channels,
        .input_height = in.shape.height,
        .input_width = in.shape.width,
        .input_pitch = in.pitch(),
        .output_height = out.shape.height,
        .output_width = out.shape.width,
        .output_pitch = out.pitch(),
        .input_plane = in.plane(),
        .output_plane = out.plane(),
        .kernel_h = op.window.kernel_h,
        .kernel_w = op.window.kernel_w,
        .stride_h = op.window.stride_h,
        .stride_w = op.window.stride_w,
        .pad_top = op.window.pad_top,
        .pad_left = op.window.pad_left,
        .low = clamp.low,
        .high = clamp.high};
  }

  void run(Parallel& parallel) override {
    const std::size_t floats = task_.channels * task_.input_plane;
    if (cut_positions(task_.output_height * task_.output_width, parallel.threads())) {
      over_rows(task_.output_height, floats, parallel, [this](int first, int last) {
        kernels::Pool task = task_;
        task.pad_top -= first * task.stride_h;
        task.output += static_cast<std::ptrdiff_t>(first) * task.output_pitch;
        task.output_height = last - first;
        kernel_(task);
      });
      return;
    }
    over_channels(task_.channels, floats, parallel, [this](int first, int last) {
      kernels::Pool task = task_;
      task.input += first * task.input_plane;
      task.output += first * task.output_plane;
      task.channels = last - first;
      kernel_(task);
    });
  }

 private:
  void (*kernel_)(const kernels::Pool&);
  kernels::Pool task_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Pooling& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  return std::make_unique<PoolStep>(op, memory, kernels);
}

std::unique_ptr<Step> make_operator_step(const ActivationOp& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  return std::make_unique<PoolStep>(
      Pooling{op.input, op.output, PoolMode::kMax, Window{}, op.activation}, memory, kernels);
}

}  // namespace patternlite
