// Operators that put whole channels elsewhere.
#include <algorithm>
#include <utility>
#include <vector>

#include "engine/execute/steps/operator_steps.h"
#include "engine/support/share_out.h"

namespace patternlite {
namespace {

class PlaneCopies final : public Step {
 public:
  // layout: of the output; its geometry is that of all tensors.
  PlaneCopies(const PlanarLayout& layout, float* output) : layout_(layout), next_(output) {}

  // The output's next channel. Nothing is to do where the memory plan has placed the one in the
  // other.
  void add(const float* from, int channel) {
    from += channel * layout_.plane();
    if (from != next_) copies_.emplace_back(from, next_);
    next_ += layout_.plane();
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
  float* next_;
  std::vector<std::pair<const float*, float*>> copies_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Concatenation& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  auto step = std::make_unique<PlaneCopies>(memory.layouts[op.output], memory.at(op.output));
  for (const TensorId input : op.inputs) {
    const int channels = memory.layouts[input].shape.channels;
    for (int c = 0; c < channels; ++c) step->add(memory.at(input), c);
  }
  return step;
}

std::unique_ptr<Step> make_operator_step(const ChannelSelection& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  auto step = std::make_unique<PlaneCopies>(memory.layouts[op.output], memory.at(op.output));
  for (const int channel : op.channels) step->add(memory.at(op.input), channel);
  return step;
}

}  // namespace patternlite
