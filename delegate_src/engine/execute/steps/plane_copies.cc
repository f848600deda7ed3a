// Operators that move whole channels.
#include <algorithm>
#include <utility>
#include <vector>

#include "engine/execute/steps/operator_steps.h"
#include "engine/support/share_out.h"

namespace patternlite {
namespace {

class PlaneCopies final : public Step {
 public:
  // layout: of the output; all tensors have its geometry.
  PlaneCopies(const PlanarLayout& layout, float* output) : layout_(layout), next_(output) {}

  // Adds the output's next channel. There is nothing to do if the memory plan has put it where the
  // input's channel is.
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
  // The gaps between rows may hold anything if nobody reads zeros around the tensor.
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
