#include "engine/pack/input_stationary_convolution.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <tuple>

#include "engine/graph/pitch.h"
#include "engine/pack/epilogue.h"
#include "engine/pack/fetch_ahead.h"
#include "engine/pack/position_mask.h"
#include "engine/pack/record_stream.h"
#include "engine/support/scratch.h"
#include "engine/support/split.h"

namespace patternlite {
namespace {

constexpr int kLeastWidthInPlace = 4;  // narrower maps are mostly pads

class InputStationaryConvolution final : public PackedConvolution {
 public:
  InputStationaryConvolution(const Convolution& conv, const TapSets& taps,
                             const PlanarLayout& input, const PlanarLayout& output,
                             const kernels::KernelTable& kernels)
      : in_place_(reads_in_place(conv.window, input, output)),
        kernel_(in_place_ ? kernels.conv_is_in_place : kernels.conv_is),
        positions_(in_place_ ? PlanarLayout::round_up(output.positions(), kHalfVector)
                             : output.shape.height * output.shape.width),
        tile_(std::min(kernels.is_positions, PlanarLayout::round_up(positions_, kernels.lanes))),
        stream_(pack_records(conv, taps, input, output,
                             {.positions = tile_,
                              .block_filters = is_block_filters(kernels.is_accumulators, tile_),
                              .in_place = in_place_})) {
    if (in_place_) mask_ = position_mask(output);
    task_ = {.stream = stream_.view(input),
             .epilogue = epilogue_of(conv.activation),
             .mask = in_place_ ? mask_->data() : nullptr,
             .ahead = in_place_ ? fetch_ahead(conv.window, input, output) : kernels::FetchAhead{},
             .tile = tile_,
             .input_row_step = conv.window.stride_h * input.pitch(),
             .input_column_step = conv.window.stride_w,
             .output_pitch = output.pitch(),
             .output_width = output.shape.width};
    const std::size_t gathered =
        in_place_ ? 0 : kernels::kIsChannels * stream_.tap_offset.size() + 1;
    scratch_floats_ = (gathered + stream_.largest_block()) * tile_;
  }

  void run(const float* input, const float* residual, float* output,
           Parallel& parallel) const override {
    kernels::ConvIs all = task_;
    all.input = input;
    all.output = output;
    all.epilogue.residual = residual;
    // Each block gathers its own inputs, so cutting between blocks costs nothing. After that,
    // positions are cut, into equal shares, since tiles of fewer vectors are less efficient.
    const int threads = parallel.threads(), vectors = (positions_ + kVector - 1) / kVector;
    const int blocks = stream_.blocks();
    int block_parts = blocks >= 2 * threads ? blocks : std::gcd(blocks, threads);
    const int position_parts = std::clamp(threads / block_parts, 1, vectors);
    if (block_parts * position_parts < threads) {  // a small map: shares must be unequal
      block_parts = std::min(blocks, (threads + position_parts - 1) / position_parts);
    }
    const auto body = [&](int part) {
      kernels::ConvIs task = all;
      task.scratch = scratch_of<InputStationaryConvolution>(scratch_floats_);
      std::tie(task.position_begin, task.position_end) =
          range_of(positions_, position_parts, part % position_parts, kVector);
      std::tie(task.block_begin, task.block_end) =
          range_of(stream_.blocks(), block_parts, part / position_parts);
      kernel_(task);
    };
    parallel.run(position_parts * block_parts, std::ref(body));
  }

  bool by_rows() const override { return true; }

  void run_rows(const float* input, float* output, Range rows) const override {
    kernels::ConvIs task = task_;
    task.input = input;
    task.output = output;
    task.block_end = stream_.blocks();
    const int row = in_place_ ? task.output_pitch : task.output_width;
    task.position_begin = rows.begin * row;
    task.position_end = rows.end * row;
    if (in_place_) {
      task.position_begin = task.position_begin / kVector * kVector;
      task.position_end = PlanarLayout::round_up(task.position_end, kHalfVector);
    }
    task.scratch = scratch_of<InputStationaryConvolution>(scratch_floats_);
    kernel_(task);
  }

  std::string kernel_name() const override { return traits_of(ConvKernel::kIs).name; }
  std::size_t weight_bytes() const override { return stream_.bytes(); }

 private:
  // Computing pads as well costs less than gathering the real positions.
  static bool reads_in_place(const Window& window, const PlanarLayout& input,
                             const PlanarLayout& output) {
    return keeps_positions(window, input, output) && output.shape.width >= kLeastWidthInPlace;
  }

  bool in_place_;
  void (*kernel_)(const kernels::ConvIs&);
  std::shared_ptr<const std::vector<int32_t>> mask_;
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
