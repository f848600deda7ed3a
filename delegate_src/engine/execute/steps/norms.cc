// Normalisation of layers (each position's channels) and of instances (each channel's positions).
#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/share_out.h"

namespace patternlite {
namespace {

template <typename Op>
class NormStep : public Step {
 public:
  NormStep(const Op& op, const TensorMemory& memory, void (*kernel)(const kernels::Norm&))
      : kernel_(kernel), op_(op) {
    const PlanarLayout& layout = memory.layouts[op.output];
    task_ = {.input = memory.at(op.input),
             .output = memory.at(op.output),
             .scales = op_.scales.data(),
             .shifts = op_.shifts.data(),
             .epsilon = op.epsilon,
             .channels = layout.shape.channels,
             .height = layout.shape.height,
             .width = layout.shape.width,
             .pitch = layout.pitch(),
             .plane = layout.plane()};
  }

 protected:
  std::size_t floats() const { return task_.channels * task_.plane; }

  void (*kernel_)(const kernels::Norm&);
  kernels::Norm task_;

 private:
  const Op op_;
};

class ChannelNormStep final : public NormStep<ChannelNorm> {
 public:
  using NormStep::NormStep;

  void run(Parallel& parallel) override {
    share_out(task_.height, floats(), parallel, [this](int first, int last) {
      kernels::Norm task = task_;
      task.input += std::ptrdiff_t{first} * task.pitch;
      task.output += std::ptrdiff_t{first} * task.pitch;
      task.height = last - first;
      kernel_(task);
    });
  }
};

class InstanceNormStep final : public NormStep<InstanceNorm> {
 public:
  using NormStep::NormStep;

  void run(Parallel& parallel) override {
    share_out(task_.channels, floats(), parallel, [this](int first, int last) {
      kernels::Norm task = task_;
      task.input += first * task.plane;
      task.output += first * task.plane;
      task.scales += first;
      task.shifts += first;
      task.channels = last - first;
      kernel_(task);
    });
  }
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const ChannelNorm& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  return std::make_unique<ChannelNormStep>(op, memory, kernels.channel_norm);
}

std::unique_ptr<Step> make_operator_step(const InstanceNorm& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  return std::make_unique<InstanceNormStep>(op, memory, kernels.instance_norm);
}

}  // namespace patternlite
