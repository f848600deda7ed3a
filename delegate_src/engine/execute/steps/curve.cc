#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/planes_step.h"
#include "engine/pack/curve_task.h"

namespace patternlite {

std::unique_ptr<Step> make_operator_step(const CurveOp& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  const PlanarLayout& layout = memory.layouts[op.output];
  std::vector<float> slopes = slopes_of(op, layout.shape.channels);
  kernels::Curve task = curve_task(op, layout, slopes);
  task.input = memory.at(op.input);
  task.output = memory.at(op.output);
  return std::make_unique<PlanesStep<kernels::Curve>>(kernels.curve, task, std::move(slopes));
}

}  // namespace patternlite
