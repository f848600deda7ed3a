// Sums, products, scaling, and activations that are not fused.
#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/planes_step.h"
#include "engine/graph/activation.h"
#include "engine/pack/planes.h"

namespace patternlite {
namespace {

// op: an Addition or a Multiplication, of two maps.
template <typename Op>
std::unique_ptr<Step> make_binary_step(const Op& op, kernels::BinaryKind kind,
                                       const TensorMemory& memory,
                                       const kernels::KernelTable& kernels) {
  const PlanarLayout& layout = memory.layouts[op.output];
  const Clamp clamp = clamp_of(op.activation);
  const kernels::Binary task{.a = memory.at(op.a),
                             .b = memory.at(op.b),
                             .output = memory.at(op.output),
                             .kind = kind,
                             .planes = planes_of(layout),
                             .low = clamp.low,
                             .high = clamp.high};
  return std::make_unique<PlanesStep<kernels::Binary>>(kernels.binary, task);
}

// The task without its scales. op: a Scaling, a Multiplication by one element for each channel, or
// an ActivationOp.
template <typename Op>
kernels::Scale scale_task(const Op& op, TensorId input, const TensorMemory& memory) {
  const PlanarLayout& layout = memory.layouts[op.output];
  const Clamp clamp = clamp_of(op.activation);
  return {.input = memory.at(input),
          .output = memory.at(op.output),
          .scales = nullptr,
          .shifts = nullptr,
          .scale_stride = 1,
          .planes = planes_of(layout),
          .low = clamp.low,
          .high = clamp.high};
}

}  // namespace

std::unique_ptr<Step> make_operator_step(const Addition& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  return make_binary_step(op, kernels::BinaryKind::kAdd, memory, kernels);
}

std::unique_ptr<Step> make_operator_step(const Multiplication& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  const PlanarLayout& b = memory.layouts[op.b];
  if (b.shape == memory.layouts[op.output].shape) {
    return make_binary_step(op, kernels::BinaryKind::kMultiply, memory, kernels);
  }
  kernels::Scale task = scale_task(op, op.a, memory);
  task.scales = memory.at(op.b);
  task.scale_stride = b.plane();
  return std::make_unique<PlanesStep<kernels::Scale>>(kernels.scale, task);
}

std::unique_ptr<Step> make_operator_step(const Scaling& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  std::vector<float> constants = scales_and_shifts(op);
  kernels::Scale task = scale_task(op, op.input, memory);
  task.scales = constants.data();
  task.shifts = constants.data() + op.scales.size();
  return std::make_unique<PlanesStep<kernels::Scale>>(kernels.scale, task, std::move(constants));
}

std::unique_ptr<Step> make_operator_step(const ActivationOp& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  std::vector<float> one = {1};
  kernels::Scale task = scale_task(op, op.input, memory);
  task.scales = one.data();
  task.scale_stride = 0;
  return std::make_unique<PlanesStep<kernels::Scale>>(kernels.scale, task, std::move(one));
}

}  // namespace patternlite
