#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/share_out.h"
#include "engine/graph/activation.h"

namespace patternlite {
namespace {

class BinaryStep final : public Step {
 public:
  // op: an Addition or a Multiplication.
  template <typename Op>
  BinaryStep(const Op& op, kernels::BinaryKind kind, const TensorMemory& memory,
             const kernels::KernelTable& kernels)
      : kernel_(kernels.binary) {
    const PlanarLayout &layout = memory.layouts[op.output], &b = memory.layouts[op.b];
    const Clamp clamp = clamp_of(op.activation);
    task_ = {.a = memory.at(op.a),
             .b = memory.at(op.b),
             .output = memory.at(op.output),
             .kind = kind,
             .b_is_scalars = b.shape != layout.shape,
             .channels = layout.shape.channels,
             .height = layout.shape.height,
             .width = layout.shape.width,
             .pitch = layout.pitch(),
             .plane = layout.plane(),
             .b_plane = b.plane(),
             .low = clamp.low,
             .high = clamp.high};
  }

  void run(Parallel& parallel) override {
    share_out(task_.channels, task_.channels * task_.plane, parallel, [this](int first, int last) {
      kernels::Binary task = task_;
      task.a += first * task.plane;
      task.b += first * task.b_plane;
      task.output += first * task.plane;
      task.channels = last - first;
      kernel_(task);
    });
  }

 private:
  void (*kernel_)(const kernels::Binary&);
  kernels::Binary task_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Addition& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  return std::make_unique<BinaryStep>(op, kernels::BinaryKind::kAdd, memory, kernels);
}

std::unique_ptr<Step> make_operator_step(const Multiplication& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  return std::make_unique<BinaryStep>(op, kernels::BinaryKind::kMultiply, memory, kernels);
}

}  // namespace patternlite
