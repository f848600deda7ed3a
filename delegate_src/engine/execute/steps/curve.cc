#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/share_out.h"

namespace patternlite {
namespace {

kernels::CurveKind kind_of(Curve curve) {
  switch (curve) {
    case Curve::kLeakyRelu:
      return kernels::CurveKind::kLeakyRelu;
    case Curve::kHardSwish:
      return kernels::CurveKind::kHardSwish;
    case Curve::kSigmoid:
      return kernels::CurveKind::kSigmoid;
    case Curve::kSilu:
      break;
  }
  return kernels::CurveKind::kSilu;
}

class CurveStep final : public Step {
 public:
  CurveStep(const CurveOp& op, const TensorMemory& memory, const kernels::KernelTable& kernels)
      : kernel_(kernels.curve) {
    const PlanarLayout& layout = memory.layouts[op.output];
    task_ = {.input = memory.at(op.input),
             .output = memory.at(op.output),
             .kind = kind_of(op.curve),
             .slope = op.slope,
             .channels = layout.shape.channels,
             .height = layout.shape.height,
             .width = layout.shape.width,
             .pitch = layout.pitch(),
             .plane = layout.plane()};
  }

  void run(Parallel& parallel) override {
    share_out(task_.channels, task_.channels * task_.plane, parallel, [this](int first, int last) {
      kernels::Curve task = task_;
      task.input += first * task.plane;
      task.output += first * task.plane;
      task.channels = last - first;
      kernel_(task);
    });
  }

 private:
  void (*kernel_)(const kernels::Curve&);
  kernels::Curve task_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const CurveOp& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  return std::make_unique<CurveStep>(op, memory, kernels);
}

}  // namespace patternlite
