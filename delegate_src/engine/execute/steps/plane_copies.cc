// Operators that put whole channels elsewhere.
#include <algorithm>
#include <utility>
#include <vector>

#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/share_out.h"

namespace patternlite {
namespace {

class PlaneCopies final : public Step {
 public:
  // layout: its geometry is that of all tensors.
  explicit PlaneCopies(const PlanarLayout& layout) : layout_(layout) {}

  // Nothing to do where the memory plan has placed the one in the other.
  void add(const float* from, float* to) {
    if (from != to) copies_.emplace_back(from, to);
  }

  void run(Parallel& parallel) override {
    const int count = static_cast<int>(copies_.size());
    share_out(count, count * layout_.plane(), parallel, [this](int first, int last) {
      for (int i = first; i < last; ++i) copy_rows(copies_[i].first, copies_[i].second);
    });
  }

 private:
  // Between the rows may be anything, where nobody reads zeros around them.
  void copy_rows(const float* from, float* to) const {
    for (int y = 0; y < layout_.shape.height; ++y) {
      std::copy_n(from + y * layout_.pitch(), layout_.shape.width, to + y * layout_.pitch());
    }
  }

  PlanarLayout layout_;
  std::vector<std::pair<const float*, float*>> copies_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Concatenation& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  const PlanarLayout& layout = memory.layouts[op.output];
  auto step = std::make_unique<PlaneCopies>(layout);
  float* to = memory.at(op.output);
  for (const TensorId input : op.inputs) {
    const float* from = memory.at(input);
    for (int c = 0; c < memory.layouts[input].shape.channels; ++c) {
      step->add(from + c * layout.plane(), to);
      to += layout.plane();
    }
  }
  return step;
}

std::unique_ptr<Step> make_operator_step(const ChannelSelection& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  const PlanarLayout& layout = memory.layouts[op.output];
  auto step = std::make_unique<PlaneCopies>(layout);
  float* to = memory.at(op.output);
  for (const int channel : op.channels) {
    step->add(memory.at(op.input) + channel * layout.plane(), to);
    to += layout.plane();
  }
  return step;
}

}  // namespace patternlite
