// Normalisation of layers (each position's channels) and of instances (each channel's positions).
#include "engine/execute/steps/channel_step.h"
#include "engine/execute/steps/operator_steps.h"
#include "engine/pack/planes.h"

namespace patternlite {
namespace {

// constants: scales_and_shifts(op); the task refers to them.
template <typename Op>
kernels::Norm norm_task(const Op& op, const std::vector<float>& constants,
                        const TensorMemory& memory) {
  return {.input = memory.at(op.input),
          .output = memory.at(op.output),
          .scales = constants.data(),
          .shifts = constants.data() + op.scales.size(),
          .epsilon = op.epsilon,
          .planes = planes_of(memory.layouts[op.output])};
}

// Shared by rows: each position wants all channels.
class ChannelNormStep final : public Step {
 public:
  ChannelNormStep(void (*kernel)(const kernels::Norm&), const kernels::Norm& task,
                  std::vector<float> constants)
      : kernel_(kernel), task_(task), constants_(std::move(constants)) {}

  void run(Parallel& parallel) override {
    const kernels::Planes& planes = task_.planes;
    share_out(planes.height, planes.channels * planes.plane, parallel, [&](int first, int last) {
      kernels::Norm task = task_;
      task.input += std::ptrdiff_t{first} * planes.pitch;
      task.output += std::ptrdiff_t{first} * planes.pitch;
      task.planes.height = last - first;
      kernel_(task);
    });
  }

 private:
  void (*kernel_)(const kernels::Norm&);
  kernels::Norm task_;
  std::vector<float> constants_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const ChannelNorm& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  std::vector<float> constants = scales_and_shifts(op);
  const kernels::Norm task = norm_task(op, constants, memory);
  return std::make_unique<ChannelNormStep>(kernels.channel_norm, task, std::move(constants));
}

std::unique_ptr<Step> make_operator_step(const InstanceNorm& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  std::vector<float> constants = scales_and_shifts(op);
  const kernels::Norm task = norm_task(op, constants, memory);
  return std::make_unique<ChannelStep<kernels::Norm>>(kernels.instance_norm, task,
                                                      std::move(constants));
}

}  // namespace patternlite
