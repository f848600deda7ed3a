#include "engine/execute/steps/operator_steps.h"
#include "engine/support/share_out.h"

namespace patternlite {
namespace {

class InterleavingStep final : public Step {
 public:
  InterleavingStep(const Interleaving& op, const TensorMemory& memory)
      : block_(op.block), to_(memory.layouts[op.output]), output_(memory.at(op.output)) {
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      const TensorId input = op.inputs[i];
      parts_.push_back({memory.layouts[input], memory.at(input), op.channels[i]});
    }
  }

  void run(Parallel& parallel) override {
    const auto body = [this](int c, int first, int last) { write_rows(c, first, last); };
    share_planes(to_.shape.channels, to_.shape.height, to_.elements(), parallel, body);
  }

 private:
  struct Part {
    PlanarLayout layout;
    const float* data;
    std::vector<int> channels;
  };

  void write_rows(int channel, int first, int last) const {
    for (int y = first; y < last; ++y) {
      float* row = output_ + channel * to_.plane() + static_cast<std::ptrdiff_t>(y) * to_.pitch();
      const Part* parts = &parts_[static_cast<std::size_t>(y % block_) * block_];
      const auto row_of = [&](const Part& part) {
        return part.data + part.channels[channel] * part.layout.plane() +
               static_cast<std::ptrdiff_t>(y / block_) * part.layout.pitch();
      };
      if (block_ == 2) {
        write_pairs(row_of(parts[0]), row_of(parts[1]), row);
        continue;
      }
      for (int column = 0; column < block_; ++column) {
        const float* from = row_of(parts[column]);
        for (int x = column; x < to_.shape.width; x += block_) row[x] = from[x / block_];
      }
    }
  }

  // In one pass, which a compiler can vectorise.
  void write_pairs(const float* even, const float* odd, float* row) const {
    const int pairs = to_.shape.width / 2;
    for (int x = 0; x < pairs; ++x) {
      row[2 * x] = even[x];
      row[2 * x + 1] = odd[x];
    }
    if (to_.shape.width % 2) row[2 * pairs] = even[pairs];
  }

  int block_;
  PlanarLayout to_;
  float* output_;
  std::vector<Part> parts_;
};

}  // namespace

std::unique_ptr<Step> make_operator_step(const Interleaving& op, const TensorMemory& memory,
                                         const kernels::KernelTable&) {
  return std::make_unique<InterleavingStep>(op, memory);
}

}  // namespace patternlite
