#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "engine/execute/steps.h"

namespace patternlite {
namespace {

// A tensor of which some rows are held, others in time, from above to below.
class RowWindow {
 public:
  RowWindow(const PlanarLayout& layout, float* memory) : layout_(layout), memory_(memory) {}

  // Nothing is held any more.
  void forget() { held_ = {0, 0}; }

  // Goes on to these rows. Returns those yet to be computed, the last ones: what was held of the
  // others is.
  Range advance(Range rows) {
    const Range kept{rows.begin, std::clamp(held_.end, rows.begin, rows.end)};
    if (origin(held_) != origin(rows)) move(kept, origin(held_), origin(rows));
    held_ = rows;
    return {kept.end, rows.end};
  }

  // Where row 0, column 0 of channel 0 would be.
  float* origin() const { return origin(held_); }

  // Other tensors and rows were here before. The columns between the rows are written with them.
  void clear_around() const {
    const int border = layout_.border, pitch = layout_.pitch();
    if (border == 0) return;
    const int above = held_.begin == 0 ? border * pitch + border : border;
    const int below = held_.end == layout_.shape.height ? border * pitch : 0;
    float* row = origin() + std::ptrdiff_t{held_.begin} * pitch;
    for (int c = 0; c < layout_.shape.channels; ++c, row += layout_.plane()) {
      std::fill_n(row - above, above, 0.0f);
      std::fill_n(row + held_.count() * pitch, below, 0.0f);
    }
  }

 private:
  float* origin(Range rows) const { return window_origin(memory_, layout_, rows); }

  void move(Range rows, const float* from, float* to) const {
    const std::ptrdiff_t first = std::ptrdiff_t{rows.begin} * layout_.pitch();
    const std::size_t floats = static_cast<std::size_t>(rows.count()) * layout_.pitch();
    if (floats == 0) return;
    for (int c = 0; c < layout_.shape.channels; ++c) {
      const std::size_t plane = c * layout_.plane();
      std::memmove(to + plane + first, from + plane + first, floats * sizeof(float));
    }
  }

  PlanarLayout layout_;
  float* memory_;
  Range held_{0, 0};
};

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
    for (std::size_t share = 0; share < shares_.size(); ++share) {
      auto& windows = windows_.emplace_back();
      float* free = scratch[share];
      for (std::size_t i = 0; i + 1 < layouts_.size(); free += layouts_[i++].elements()) {
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
    std::vector<Range>& rows = rows_[share];  // of each link's output
    const std::size_t last = links_.size() - 1;
    rows[last] = rows_of(positions, layouts_[last]);
    for (std::size_t i = last; i > 0; --i) {
      rows[i - 1] = rows_read(links_[i].op.window, rows[i], layouts_[i - 1].shape.height);
    }
    const float* input = input_;
    for (std::size_t i = 0; i < last; ++i) {
      const Range missing = windows[i].advance(rows[i]);
      if (missing.count() > 0) links_[i].packed->run_rows(input, windows[i].origin(), missing);
      if (links_[i + 1].op.depthwise) windows[i].clear_around();
      input = windows[i].origin();
    }
    links_[last].packed->run_positions(input, residual_, output_, positions);
  }

  std::vector<ChainLink> links_;
  std::vector<std::vector<Range>> shares_;
  std::vector<PlanarLayout> layouts_;            // [links], of their outputs
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
