#include <algorithm>
#include <vector>

#include "engine/execute/steps/operator_steps.h"
#include "engine/execute/steps/share_out.h"

namespace patternlite {
namespace {

// Copies the parts that the memory plan could not place in the whole.
class ConcatenationStep final : public Step {
 public:
  ConcatenationStep(const Concatenation& op, const TensorMemory& memory)
      : layout_(memory.layouts[op.output]) {
    float* to = memory.at(op.output);
    for (const TensorId input : op.inputs) {
      const int channels = memory.layouts[input].shape.channels;
      const float* from = memory.at(input);
      if (from != to) copies_.push_back({from, to, channels});
      to += channels * layout_.plane();
    }
  }

  void run(Parallel& parallel) override {
    for (const Copy& copy : copies_) {
      share_out(copy.channels, copy.channels * layout_.plane(), parallel, [&](int first, int last) {
        for (int c = first; c < last; ++c) {
          copy_rows(copy.from + c * layout_.plane(), copy.to + c * layout_.plane());
        }
      });
    }
  }

 private:
  struct Copy {
    const float* from;
    float* to;
    int channels;
  };
  // Between the rows of a part may be anything, where nobody reads zeros around it.
  void copy_rows(const float* from, float* to) const {
    for (int y = 0; y < layout_.shape.height; ++y) {
      std::copy_n(from + y * layout_.pitch(), layout_.shape.width, to + y * layout_.pitch());
    }
  }

  PlanarLayout layout_;  // its geometry is that of all parts
  std::vector<Copy> copies_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Concatenation& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  return std::make_unique<ConcatenationStep>(op, memory);
}

}  // namespace patternlite
