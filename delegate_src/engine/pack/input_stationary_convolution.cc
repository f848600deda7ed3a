#include "engine/pack/input_stationary_convolution.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <tuple>

#include "engine/graph/activation.h"
#include "engine/pack/record_stream.h"
#include "engine/support/scratch.h"
#include "engine/support/split.h"

namespace patternlite {
namespace {

// On maps of a single vector there are only blocks to give to threads.
constexpr int kMostBlockFilters = 128;

class InputStationaryConvolution final : public PackedConvolution {
 public:
  InputStationaryConvolution(const Convolution& conv, const TapSets& taps,
                             const PlanarLayout& input, const PlanarLayout& output,
                             const kernels::KernelTable& kernels)
      : kernel_(kernels.conv_is),
        positions_(output.shape.height * output.shape.width),
        tile_(std::min(kernels.is_positions, PlanarLayout::round_up(positions_, kernels.lanes))),
        stream_(pack_records(conv, taps, input, output, tile_,
                             std::min(kernels.is_accumulators / tile_, kMostBlockFilters))) {
    const Clamp clamp = clamp_of(conv.activation);
    task_ = {.stream = stream_.view(input),
             .epilogue = {.residual = nullptr, .low = clamp.low, .high = clamp.high},
             .tile = tile_,
             .input_row_step = conv.window.stride_h * input.pitch(),
             .input_column_step = conv.window.stride_w,
             .output_pitch = output.pitch(),
             .output_width = output.shape.width};
    scratch_floats_ = (static_cast<std::size_t>(kernels::kIsChannels) * stream_.tap_offset.size() +
                       1 + stream_.largest_block()) *
                      tile_;
  }

  void run(const float* input, const float* residual, float* output,
           Parallel& parallel) const override {
    kernels::ConvIs all = task_;
    all.input = input;
    all.output = output;
    all.epilogue.residual = residual;
    // Blocks gather their inputs each for itself, so cutting there costs nothing. Then positions:
    // equal shares, since tiles of fewer vectors take longer for each.
    const int threads = parallel.threads(), vectors = (positions_ + 15) / 16;
    const int blocks = stream_.blocks();
    const int block_parts = blocks >= 2 * threads ? blocks : std::gcd(blocks, threads);
    const int position_parts = std::clamp(threads / block_parts, 1, vectors);
    const auto body = [&](int part) {
      kernels::ConvIs task = all;
      task.scratch = scratch_of<InputStationaryConvolution>(scratch_floats_);
      std::tie(task.position_begin, task.position_end) =
          range_of(positions_, position_parts, part % position_parts, 16);
      std::tie(task.block_begin, task.block_end) =
          range_of(stream_.blocks(), block_parts, part / position_parts);
      kernel_(task);
    };
    parallel.run(position_parts * block_parts, std::ref(body));
  }

  std::string kernel_name() const override { return "is"; }
  std::size_t weight_bytes() const override { return stream_.bytes(); }

 private:
  void (*kernel_)(const kernels::ConvIs&);
  int positions_, tile_;
  RecordStream stream_;
  std::size_t scratch_floats_ = 0;
  kernels::ConvIs task_{};
};

}  // namespace

std::unique_ptr<PackedConvolution> pack_input_stationary(const Convolution& conv,
                                                         const TapSets& taps,
                                                         const PlanarLayout& input,
                                                         const PlanarLayout& output,
                                                         const kernels::KernelTable& kernels) {
  return std::make_unique<InputStationaryConvolution>(conv, taps, input, output, kernels);
}

}  // namespace patternlite
