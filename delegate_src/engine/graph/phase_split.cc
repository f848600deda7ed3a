#include "engine/graph/phase_split.h"

#include <algorithm>
#include <array>

namespace patternlite {
namespace {

constexpr int kStride = 2;

// One axis: kernel position k reads element kStride * (output + shift[k]) + phase[k] of the input.
struct Axis {
  std::vector<int> phase, shift;
  std::array<int, kStride> first{}, last{};  // shifts of each phase
  std::array<bool, kStride> used{};

  Axis(int kernel, int dilation, int pad) {
    for (int k = 0; k < kernel; ++k) {
      const int at = k * dilation - pad, p = at & 1, s = (at - p) / kStride;
      phase.push_back(p);
      shift.push_back(s);
      first[p] = used[p] ? std::min(first[p], s) : s;
      last[p] = used[p] ? std::max(last[p], s) : s;
      used[p] = true;
    }
  }
  int spread(int p) const { return last[p] - first[p]; }
  int most_spread() const { return std::max(spread(0), spread(1)); }
};

Axis down(const Window& w) { return {w.kernel_h, w.dilation_h, w.pad_top}; }
Axis across(const Window& w) { return {w.kernel_w, w.dilation_w, w.pad_left}; }

}  // namespace

bool PhaseSplit::possible(const Window& window, const PlanarLayout& output) {
  return window.stride_h == kStride && window.stride_w == kStride &&
         across(window).most_spread() <= output.border;
}

PhaseSplit::PhaseSplit(const Window& window, const PlanarLayout& input, const PlanarLayout& output)
    : input_(input), output_(output) {
  const Axis rows = down(window), columns = across(window);
  std::array<std::array<int, kStride>, kStride> number{};
  for (int y = 0; y < kStride; ++y) {
    for (int x = 0; x < kStride; ++x) {
      if (!rows.used[y] || !columns.used[x]) continue;
      number[y][x] = static_cast<int>(phases_.size());
      phases_.push_back(
          {.source = (rows.first[y] * kStride + y) * input.pitch() + columns.first[x] * kStride + x,
           .more_rows = rows.spread(y)});
    }
  }
  for (int y = 0; y < window.kernel_h; ++y) {
    for (int x = 0; x < window.kernel_w; ++x) {
      const int py = rows.phase[y], px = columns.phase[x];
      taps_.push_back({number[py][px], (rows.shift[y] - rows.first[py]) * output.pitch() +
                                           columns.shift[x] - columns.first[px]});
    }
  }
  columns_ = output.shape.width + columns.most_spread();
  const int positions = (output.shape.height + rows.most_spread()) * output.pitch();
  const int lines = PlanarLayout::round_up(positions, kVector) / kVector;
  plane_ = static_cast<std::size_t>(lines | 1) * kVector;  // as in PlanarLayout::plane
}

int PhaseSplit::tap_offset(int tap) const {
  const int area = static_cast<int>(taps_.size()), phases = static_cast<int>(phases_.size());
  const Tap& place = taps_[tap % area];
  return static_cast<int>((tap / area * phases + place.phase) * plane_) + place.offset;
}

std::size_t PhaseSplit::floats() const {
  const std::size_t slack = output_.border * (output_.pitch() + 1) + PlanarLayout::kSlack;
  return input_.shape.channels * phases_.size() * plane_ + slack;
}

kernels::SplitPhases PhaseSplit::task(const float* input, float* split, int row_begin,
                                      int row_end) const {
  return {.input = input,
          .output = split,
          .phase = phases_.data(),
          .phases = static_cast<int>(phases_.size()),
          .channels = input_.shape.channels,
          .input_plane = input_.plane(),
          .output_plane = plane_,
          .input_pitch = input_.pitch(),
          .output_pitch = output_.pitch(),
          .columns = columns_,
          .row_begin = row_begin,
          .row_end = row_end};
}

}  // namespace patternlite
