#include <algorithm>
#include <functional>
#include <utility>

#include "engine/execute/steps.h"

namespace patternlite {
namespace {

class ChainStep final : public Step {
 public:
  ChainStep(const Chain& chain, std::vector<ChainLink> links, const TensorMemory& memory,
            const std::vector<float*>& scratch)
      : links_(std::move(links)), shares_(chain.shares) {
    const Convolution &first = links_.front().op, &last = links_.back().op;
    input_ = memory.at(first.input);
    residual_ = last.residual == kNoTensor ? nullptr : memory.at(last.residual);
    output_ = memory.at(last.output);
    for (const ChainLink& link : links_) layouts_.push_back(memory.layouts[link.op.output]);
    for (std::size_t i = 0; i + 1 < links_.size(); ++i) {
      zeros_read_.push_back(
          reads_zeros(links_[i + 1].op, layouts_[i].shape, layouts_[i + 1].shape));
    }
    for (std::size_t share = 0; share < shares_.size(); ++share) {
      auto& windows = windows_.emplace_back();
      float* free = scratch[share];
      for (std::size_t i = 0; i + 1 < layouts_.size(); free += floats_to_hold(layouts_[i++])) {
        windows.emplace_back(layouts_[i], free);
      }
      rows_.emplace_back(links_.size());
    }
  }

  void run(Parallel& parallel) override {
    const auto body = [&](int share) {
      for (RowWindow& window : windows_[share]) window.forget();
      for (const Range positions : shares_[share]) run_part(positions, share);
    };
    parallel.run(static_cast<int>(shares_.size()), std::ref(body));
  }

  std::size_t weight_bytes() const override {
    std::size_t bytes = 0;
    for (const ChainLink& link : links_) bytes += link.packed->weight_bytes();
    return bytes;
  }

 private:
  void run_part(Range positions, int share) {
    std::vector<RowWindow>& windows = windows_[share];
    std::vector<Range>& rows = rows_[share];  // the rows of each link's output
    const std::size_t last = links_.size() - 1;
    rows[last] = rows_of(positions, layouts_[last]);
    for (std::size_t i = last; i > 0; --i) {
      rows[i - 1] = rows_read(links_[i].op, rows[i], layouts_[i - 1].shape.height);
    }
    const float* input = input_;
    for (std::size_t i = 0; i < last; ++i) {
      const Range missing = windows[i].advance(rows[i]);
      if (missing.count() > 0) links_[i].packed->run_rows(input, windows[i].origin(), missing);
      if (zeros_read_[i]) {
        windows[i].clear_around();
        if (!links_[i].packed->by_positions()) windows[i].clear_gaps(missing);
      }
      input = windows[i].origin();
    }
    const PackedConvolution& packed = *links_[last].packed;
    if (packed.by_positions()) {
      packed.run_positions(input, residual_, output_, positions);
    } else {
      packed.run_rows(input, output_, rows[last]);
    }
  }

  std::vector<ChainLink> links_;
  std::vector<std::vector<Range>> shares_;
  std::vector<PlanarLayout> layouts_;            // [links], of their outputs
  std::vector<bool> zeros_read_;                 // [links - 1], around their outputs
  std::vector<std::vector<RowWindow>> windows_;  // [shares][links - 1]
  std::vector<std::vector<Range>> rows_;         // [shares][links]
  const float* input_ = nullptr;
  const float* residual_ = nullptr;
  float* output_ = nullptr;
};

}  // namespace

std::unique_ptr<Step> make_chain_step(const Chain& chain, std::vector<ChainLink> links,
                                      const TensorMemory& memory,
                                      const std::vector<float*>& scratch) {
  return std::make_unique<ChainStep>(chain, std::move(links), memory, scratch);
}

}  // namespace patternlite
