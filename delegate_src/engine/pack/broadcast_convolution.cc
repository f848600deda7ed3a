#include "engine/pack/broadcast_convolution.h"

#include <functional>
#include <tuple>

#include "engine/pack/epilogue.h"
#include "engine/pack/run_stream.h"
#include "engine/support/split.h"

namespace patternlite {
namespace {

class BroadcastConvolution final : public PackedConvolution {
 public:
  BroadcastConvolution(const Convolution& conv, PackedRuns stream, const PlanarLayout& input,
                       const PlanarLayout& output, const kernels::KernelTable& kernels)
      : kernel_(kernels.conv_bc16), stream_(std::move(stream)), output_(output) {
    task_ = {.stream = stream_.view(),
             .epilogue = epilogue_of(conv.activation),
             .input_row_step = conv.window.stride_h * input.pitch(),
             .input_column_step = conv.window.stride_w,
             .output_pitch = output.pitch(),
             .output_width = output.shape.width};
  }

  void run(const float* input, const float* residual, float* output,
           Parallel& parallel) const override {
    kernels::ConvBc all = task_;
    all.input = input;
    all.output = output;
    all.epilogue.residual = residual;
    const int threads = parallel.threads(), height = output_.shape.height;
    int group_parts = 1, row_parts = 1;
    if (cut_rows(height, output_.shape.width, threads)) {
      row_parts = threads;
    } else if (threads > 1) {  // few groups: cut the rows as well, so that every thread has work
      group_parts = std::min(stream_.groups(), 2 * threads);
      row_parts = group_parts >= threads ? 1 : std::min(height, 2 * threads / group_parts);
    }
    const auto body = [&](int part) {
      kernels::ConvBc task = all;
      std::tie(task.group_begin, task.group_end) =
          range_of(stream_.groups(), group_parts, part % group_parts);
      std::tie(task.row_begin, task.row_end) = range_of(height, row_parts, part / group_parts);
      kernel_(task);
    };
    parallel.run(group_parts * row_parts, std::ref(body));
  }

  bool by_rows() const override { return true; }

  void run_rows(const float* input, float* output, Range rows) const override {
    kernels::ConvBc task = task_;
    task.input = input;
    task.output = output;
    task.group_end = stream_.groups();
    task.row_begin = rows.begin;
    task.row_end = rows.end;
    kernel_(task);
  }

  std::string kernel_name() const override { return traits_of(ConvKernel::kBc16).name; }
  std::size_t weight_bytes() const override { return stream_.bytes(); }

 private:
  void (*kernel_)(const kernels::ConvBc&);
  PackedRuns stream_;
  PlanarLayout output_;
  kernels::ConvBc task_{};
};

}  // namespace

std::unique_ptr<PackedConvolution> pack_broadcast(const Convolution& conv, const TapSets& taps,
                                                  const Grouping& grouping,
                                                  const PlanarLayout& input,
                                                  const PlanarLayout& output,
                                                  const kernels::KernelTable& kernels) {
  const PackedStream stream =
      pack_stream(conv, taps, grouping.groups, kernels::kBcFilters, input, output);
  return std::make_unique<BroadcastConvolution>(
      conv, pack_runs(stream, conv.window.stride_w, kernels.bc_max_run), input, output, kernels);
}

}  // namespace patternlite
