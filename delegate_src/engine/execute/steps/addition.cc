#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/share_out.h"
#include "engine/graph/activation.h"

namespace patternlite {
namespace {

class AddStep final : public Step {
 public:
  AddStep(const Addition& op, const TensorMemory& memory, const kernels::KernelTable& kernels)
      : kernel_(kernels.add) {
    const PlanarLayout& layout = memory.layouts[op.output];
    const Clamp clamp = clamp_of(op.activation);
    task_ = {.a = memory.at(op.a),
             .b = memory.at(op.b),
             .output = memory.at(op.output),
             .channels = layout.shape.channels,
             .height = layout.shape.height,
             .width = layout.shape.width,
             .pitch = layout.pitch(),
             .plane = layout.plane(),
             .low = clamp.low,
             .high = clamp.high};
  }

  void run(Parallel& parallel) override {
    share_out(task_.channels, task_.channels * task_.plane, parallel, [this](int first, int last) {
      kernels::Add task = task_;
      task.a += first * task.plane;
      task.b += first * task.plane;
      task.output += first * task.plane;
      task.channels = last - first;
      kernel_(task);
    });
  }

 private:
  void (*kernel_)(const kernels::Add&);
  kernels::Add task_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Addition& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  return std::make_unique<AddStep>(op, memory, kernels);
}

}  // namespace patternlite
