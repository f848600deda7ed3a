#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/share_out.h"

namespace patternlite {
namespace {

class ChannelNormStep final : public Step {
 public:
  ChannelNormStep(const ChannelNorm& op, const TensorMemory& memory,
                  const kernels::KernelTable& kernels)
      : op_(op), kernel_(kernels.channel_norm) {
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

  void run(Parallel& parallel) override {
    share_out(task_.height, task_.channels * task_.plane, parallel, [this](int first, int last) {
      kernels::ChannelNorm task = task_;
      task.input += std::ptrdiff_t{first} * task.pitch;
      task.output += std::ptrdiff_t{first} * task.pitch;
      task.height = last - first;
      kernel_(task);
    });
  }

 private:
  const ChannelNorm op_;
  void (*kernel_)(const kernels::ChannelNorm&);
  kernels::ChannelNorm task_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const ChannelNorm& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels) {
  return std::make_unique<ChannelNormStep>(op, memory, kernels);
}

}  // namespace patternlite
