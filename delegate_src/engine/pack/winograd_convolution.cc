#include "engine/pack/winograd_convolution.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <vector>

#include "engine/pack/epilogue.h"
#include "engine/pack/run_stream.h"
#include "engine/recognise/winograd_window.h"
#include "engine/support/scratch.h"
#include "engine/support/split.h"
#include "kernels/winograd.h"

namespace patternlite {
namespace {

constexpr int kFilters = kernels::kBcFilters;

// filter: [points][taps], see kernels/winograd.h.
std::vector<std::vector<double>> filter_matrix(int taps) {
  const auto rows_of = [](const auto& matrix) {
    std::vector<std::vector<double>> rows;
    for (const auto& row : matrix.filter) rows.emplace_back(std::begin(row), std::end(row));
    return rows;
  };
  if (taps == 2) return rows_of(kernels::Winograd<5>{});
  if (taps == 3) return rows_of(kernels::Winograd<6>{});
  return rows_of(kernels::Winograd<7>{});
}

// [groups][kernel_h][channels][phases][points][16]
AlignedVector<float> transform(const Convolution& conv, int channels,
                               const std::vector<std::vector<int>>& groups) {
  const Window& w = conv.window;
  const int phases = w.stride_w;
  const auto matrix = filter_matrix(winograd_taps(w));
  AlignedVector<float> weights;
  weights.reserve(groups.size() * w.kernel_h * channels * phases * matrix.size() * kFilters);
  for (const std::vector<int>& group : groups) {
    for (int y = 0; y < w.kernel_h; ++y) {
      for (int channel = 0; channel < channels; ++channel) {
        for (int phase = 0; phase < phases; ++phase) {
          for (const std::vector<double>& row : matrix) {
            for (int k = 0; k < kFilters; ++k) {
              double sum = 0;
              for (int i = 0; i < static_cast<int>(row.size()); ++i) {
                const int x = i * phases + phase;
                if (k >= static_cast<int>(group.size()) || x >= w.kernel_w) continue;
                sum += row[i] * conv.weights.at(group[k], channel, y, x);
              }
              weights.push_back(static_cast<float>(sum));
            }
          }
        }
      }
    }
  }
  return weights;
}

class WinogradConvolution final : public PackedConvolution {
 public:
  WinogradConvolution(const Convolution& conv, const TapSets& taps, const Grouping& grouping,
                      const PlanarLayout& input, const PlanarLayout& output,
                      const kernels::KernelTable& kernels)
      : kernel_(kernels.conv_winograd),
        direct_(pack_runs(pack_stream(conv, taps, grouping.groups, kFilters, input, output),
                          conv.window.stride_w, kernels.bc_max_run)),
        weights_(transform(conv, input.shape.channels, grouping.groups)),
        output_(output.shape) {
    const Window& w = conv.window;
    const int blocks = PlanarLayout::round_up(output.shape.width, kVector) / kVector;
    task_ = {.direct = {.stream = direct_.view(),
                        .epilogue = epilogue_of(conv.activation),
                        .input_row_step = w.stride_h * input.pitch(),
                        .input_column_step = w.stride_w,
                        .output_pitch = output.pitch(),
                        .output_width = output.shape.width},
             .input_pitch = input.pitch(),
             .input_plane = input.plane(),
             .channels = input.shape.channels,
             .kernel_h = w.kernel_h,
             .stride_h = w.stride_h,
             .phases = w.stride_w,
             .points = kernels::winograd_points(winograd_taps(w)),
             .columns = (output.shape.width - 1) * w.stride_w + w.kernel_w,
             .blocks = blocks,
             .weights = weights_.data(),
             .stream_length =
                 PlanarLayout::round_up(blocks * kernels::kWinogradTiles, kVector) + kVector};
    first_tap_ = tap_offset(w, input, 0);
    scratch_floats_ =
        static_cast<std::size_t>(w.kernel_h) * task_.channels * task_.phases * blocks *
            task_.points * kernels::kWinogradTiles +
        static_cast<std::size_t>(kernels::kWinogradOutputs) * task_.phases * task_.stream_length;
  }

  void run(const float* input, const float* residual, float* output,
           Parallel& parallel) const override {
    kernels::ConvWinograd all = task_;
    all.first_row = input + first_tap_;
    all.direct.input = input;
    all.direct.output = output;
    all.direct.epilogue.residual = residual;
    const int threads = parallel.threads();
    const bool by_rows = groups() < threads || cut_rows(output_.height, output_.width, threads);
    const int parts = std::min(threads, by_rows ? output_.height : groups());
    const auto body = [&](int part) {
      kernels::ConvWinograd task = all;
      task.scratch = scratch_of<WinogradConvolution>(scratch_floats_);
      std::tie(task.direct.row_begin, task.direct.row_end) =
          range_of(output_.height, by_rows ? parts : 1, by_rows ? part : 0);
      std::tie(task.direct.group_begin, task.direct.group_end) =
          range_of(groups(), by_rows ? 1 : parts, by_rows ? 0 : part);
      kernel_(task);
    };
    parallel.run(parts, std::ref(body));
  }

  bool by_rows() const override { return true; }

  void run_rows(const float* input, float* output, Range rows) const override {
    kernels::ConvWinograd task = task_;
    task.first_row = input + first_tap_;
    task.direct.input = input;
    task.direct.output = output;
    task.direct.group_end = groups();
    task.direct.row_begin = rows.begin;
    task.direct.row_end = rows.end;
    task.scratch = scratch_of<WinogradConvolution>(scratch_floats_);
    kernel_(task);
  }

  std::string kernel_name() const override { return traits_of(ConvKernel::kWinograd).name; }
  std::size_t weight_bytes() const override {
    return direct_.bytes() + weights_.size() * sizeof(float);
  }

 private:
  int groups() const { return static_cast<int>(direct_.first_tap.size()); }

  void (*kernel_)(const kernels::ConvWinograd&);
  PackedRuns direct_;
  AlignedVector<float> weights_;
  Shape output_;
  std::ptrdiff_t first_tap_ = 0;
  std::size_t scratch_floats_ = 0;
  kernels::ConvWinograd task_{};
};

}  // namespace

std::unique_ptr<PackedConvolution> pack_winograd(const Convolution& conv, const TapSets& taps,
                                                 const Grouping& grouping,
                                                 const PlanarLayout& input,
                                                 const PlanarLayout& output,
                                                 const kernels::KernelTable& kernels) {
  return std::make_unique<WinogradConvolution>(conv, taps, grouping, input, output, kernels);
}

}  // namespace patternlite
