#include "engine/pack/output_stationary_convolution.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <tuple>

#include "engine/graph/activation.h"
#include "engine/pack/position_mask.h"
#include "engine/pack/tap_stream.h"
#include "engine/support/split.h"

namespace patternlite {
namespace {

// Tensors together larger than this do not stay in the second-level cache from layer to layer.
constexpr std::size_t kCachedBytes = 1 << 20;

class OutputStationaryConvolution final : public PackedConvolution {
 public:
  OutputStationaryConvolution(const Convolution& conv, PackedStream stream, int group_size,
                              const PlanarLayout& input, const PlanarLayout& output,
                              const kernels::KernelTable& kernels)
      : kernel_(kernels.conv_os[std::countr_zero(static_cast<unsigned>(group_size))]),
        group_size_(group_size),
        stream_(std::move(stream)),
        mask_(position_mask(output)),
        positions_(output.padded_positions()) {
    const Clamp clamp = clamp_of(conv.activation);
    task_ = {.stream = stream_.view(),
             .epilogue = {.residual = nullptr, .low = clamp.low, .high = clamp.high},
             .mask = mask_->data()};
    if ((input.elements() + output.elements()) * sizeof(float) > kCachedBytes) {
      const Window& w = conv.window;
      const int last_tap = w.kernel_h * w.kernel_w - 1;
      task_.ahead_channels = input.shape.channels;
      task_.ahead_plane = input.plane();
      task_.ahead_reach = std::max(0, tap_offset(w, input, last_tap));
    }
  }

  void run(const float* input, const float* residual, float* output,
           Parallel& parallel) const override {
    kernels::ConvOs all = task_;
    all.input = input;
    all.output = output;
    all.epilogue.residual = residual;
    all.group_end = stream_.groups();
    all.position_end = positions_;
    const int threads = parallel.threads();
    const bool by_positions = cut_positions(positions_, threads);
    const int parts = threads == 1   ? 1
                      : by_positions ? threads
                                     : std::min(stream_.groups(), 2 * threads);
    const auto body = [&](int part) {
      kernels::ConvOs task = all;
      if (by_positions) {
        std::tie(task.position_begin, task.position_end) = range_of(positions_, parts, part, 16);
      } else {
        std::tie(task.group_begin, task.group_end) = range_of(stream_.groups(), parts, part);
      }
      kernel_(task);
    };
    parallel.run(parts, std::ref(body));
  }

  std::string kernel_name() const override { return "os-g" + std::to_string(group_size_); }
  std::size_t weight_bytes() const override { return stream_.bytes(); }

 private:
  void (*kernel_)(const kernels::ConvOs&);
  int group_size_;
  PackedStream stream_;
  std::shared_ptr<const std::vector<int32_t>> mask_;
  int positions_;
  kernels::ConvOs task_{};
};

}  // namespace

std::unique_ptr<PackedConvolution> pack_output_stationary(
    const Convolution& conv, const TapSets& taps, const Grouping& grouping, int group_size,
    const PlanarLayout& input, const PlanarLayout& output, const kernels::KernelTable& kernels) {
  return std::make_unique<OutputStationaryConvolution>(
      conv, pack_stream(conv, taps, grouping.groups, group_size, input, output), group_size, input,
      output, kernels);
}

}  // namespace patternlite
