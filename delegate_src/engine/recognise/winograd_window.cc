#include "engine/recognise/winograd_window.h"

#include <algorithm>

#include "kernels/kernels.h"
#include "kernels/winograd.h"

namespace patternlite {
namespace {

constexpr int kLeastWidth = 8;            // of the output: a block of 16 positions lies in one row
constexpr double kMostWeights = 1 << 19;  // transformed

int points(const Window& window) { return kernels::winograd_points(winograd_taps(window)); }

}  // namespace

int winograd_taps(const Window& window) {
  return std::max(2, (window.kernel_w + window.stride_w - 1) / window.stride_w);
}

bool winograd_runs(const Window& window, const Shape& input, const Shape& output) {
  const bool fits = window.stride_w <= 2 && window.dilation_h == 1 && window.dilation_w == 1 &&
                    winograd_taps(window) <= kernels::kWinogradMostTaps &&
                    window.kernel_h <= kernels::kWinogradMostRows &&
                    window.stride_h <= window.kernel_h;
  const double weights = static_cast<double>(output.channels) * input.channels * window.kernel_h *
                         window.stride_w * points(window);
  return fits && output.width >= kLeastWidth && weights <= kMostWeights;
}

double winograd_share(const Window& window) {
  return static_cast<double>(points(window)) * window.stride_w /
         (kernels::kWinogradOutputs * window.kernel_w);
}

}  // namespace patternlite
