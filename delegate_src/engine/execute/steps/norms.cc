// Normalisation of layers (each position's channels) and of instances (each channel's positions).
#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/planes_step.h"
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

}  // namespace

std::unique_ptr<Step> make_operator_step(const ChannelNorm& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  std::vector<float> constants = scales_and_shifts(op);
  const kernels::Norm task = norm_task(op, constants, memory);
  return std::make_unique<PlanesStep<kernels::Norm>>(kernels.channel_norm, task,
                                                     std::move(constants), Together::kChannels);
}

std::unique_ptr<Step> make_operator_step(const InstanceNorm& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  std::vector<float> constants = scales_and_shifts(op);
  const kernels::Norm task = norm_task(op, constants, memory);
  return std::make_unique<PlanesStep<kernels::Norm>>(kernels.instance_norm, task,
                                                     std::move(constants), Together::kPositions);
}

}  // namespace patternlite
