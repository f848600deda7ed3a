#include "engine/pack/depthwise_convolution.h"

#include <algorithm>
#include <functional>
#include <tuple>

#include "engine/graph/pitch.h"
#include "engine/pack/epilogue.h"
#include "engine/pack/position_mask.h"
#include "engine/pack/tap_stream.h"
#include "engine/support/split.h"

namespace patternlite {
namespace {

// One filter per group, in order: nothing is shared, and planes are computed one after the other.
PackedStream pack_planes(const Convolution& conv, const TapSets& taps, const PlanarLayout& input,
                         const PlanarLayout& output) {
  std::vector<std::vector<int>> groups;
  for (int filter = 0; filter < output.shape.channels; ++filter) groups.push_back({filter});
  return pack_stream(conv, taps, groups, 1, input, output);
}

int square_of(const Window& w) {
  const bool dilated = w.dilation_h != 1 || w.dilation_w != 1;
  return dilated || w.kernel_h != w.kernel_w ? 0 : w.kernel_h;
}

class DepthwiseConvolution final : public PackedConvolution {
 public:
  DepthwiseConvolution(const Convolution& conv, const TapSets& taps, const PlanarLayout& input,
                       const PlanarLayout& output, const kernels::KernelTable& kernels)
      : kernel_(kernels.conv_depthwise_rows), stream_(pack_planes(conv, taps, input, output)) {
    const Window& w = conv.window;
    if (keeps_positions(w, input, output)) {
      kernel_ = kernels.conv_depthwise_planes;
      mask_ = position_mask(output);
    }
    task_ = {.stream = stream_.view(),
             .epilogue = epilogue_of(conv.activation),
             .mask = mask_ ? mask_->data() : nullptr,
             .window = square_of(w),
             .position_end = output.padded_positions(),
             .input_row_step = w.stride_h * input.pitch(),
             .input_column_step = w.stride_w,
             .output_pitch = output.pitch(),
             .output_width = output.shape.width,
             .output_height = output.shape.height};
  }

  void run(const float* input, const float* residual, float* output,
           Parallel& parallel) const override {
    kernels::ConvDepthwise all = task_;
    all.input = input;
    all.output = output;
    all.epilogue.residual = residual;
    const int threads = parallel.threads();
    const int parts = threads == 1 ? 1 : std::min(stream_.groups(), 2 * threads);
    const auto body = [&](int part) {
      kernels::ConvDepthwise task = all;
      std::tie(task.group_begin, task.group_end) = range_of(stream_.groups(), parts, part);
      kernel_(task);
    };
    parallel.run(parts, std::ref(body));
  }

  bool by_rows() const override { return true; }

  void run_rows(const float* input, float* output, Range rows) const override {
    kernels::ConvDepthwise task = task_;
    task.input = input;
    task.output = output;
    if (mask_) {
      task.position_begin = rows.begin * task.output_pitch / kVector * kVector;
      task.position_end = PlanarLayout::round_up(rows.end * task.output_pitch, kVector);
    } else {
      task.input += std::ptrdiff_t{rows.begin} * task.input_row_step;
      task.output += std::ptrdiff_t{rows.begin} * task.output_pitch;
      task.output_height = rows.count();
    }
    task.group_end = stream_.groups();
    kernel_(task);
  }

  std::string kernel_name() const override { return "depthwise"; }
  std::size_t weight_bytes() const override { return stream_.bytes(); }

 private:
  void (*kernel_)(const kernels::ConvDepthwise&);
  PackedStream stream_;
  std::shared_ptr<const std::vector<int32_t>> mask_;
  kernels::ConvDepthwise task_{};
};

}  // namespace

std::unique_ptr<PackedConvolution> pack_depthwise(const Convolution& conv, const TapSets& taps,
                                                  const PlanarLayout& input,
                                                  const PlanarLayout& output,
                                                  const kernels::KernelTable& kernels) {
  return std::make_unique<DepthwiseConvolution>(conv, taps, input, output, kernels);
}

}  // namespace patternlite
