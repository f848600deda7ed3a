#include "engine/execute/steps/operator_steps.h"
#include "engine/pack/pool_task.h"
#include "engine/support/share_out.h"

namespace patternlite {
namespace {

class PoolStep final : public Step {
 public:
  PoolStep(const Pooling& op, const TensorMemory& memory, const kernels::KernelTable& kernels)
      : kernel_(kernels.pool) {
    task_ = pool_task(op, memory.layouts[op.input], memory.layouts[op.output]);
    task_.input = memory.at(op.input);
    task_.output = memory.at(op.output);
  }

  void run(Parallel& parallel) override {
    const std::size_t floats = task_.channels * task_.input_plane;
    if (cut_rows(task_.output_height, task_.output_width, parallel.threads())) {
      share_out(task_.output_height, floats, parallel,
                [this](int first, int last) { kernel_(rows_of_pool(task_, {first, last})); });
      return;
    }
    share_out(task_.channels, floats, parallel, [this](int first, int last) {
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

}  // namespace patternlite
