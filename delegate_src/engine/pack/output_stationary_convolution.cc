#include "engine/pack/output_stationary_convolution.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <optional>
#include <tuple>

#include "engine/graph/phase_split.h"
#include "engine/pack/epilogue.h"
#include "engine/pack/fetch_ahead.h"
#include "engine/pack/fetch_taps.h"
#include "engine/pack/kept_positions.h"
#include "engine/pack/position_mask.h"
#include "engine/pack/tap_stream.h"
#include "engine/support/machine.h"
#include "engine/support/scratch.h"
#include "engine/support/split.h"

namespace patternlite {
namespace {

constexpr int kBlock = 224;  // positions for which all filters are computed before the next ones

// Whether what a block reads stays in the first-level cache, with some room for weights and sums.
bool stays_near(const Window& window, const PlanarLayout& input) {
  const int around = (window.kernel_h - 1) * window.dilation_h * input.pitch();
  const int read =
      std::min({input.positions(), kBlock + around, window.kernel_h * (kBlock + kVector)});
  return sizeof(float) * input.shape.channels * read < first_level_cache() * 5 / 4;
}

class OutputStationaryConvolution final : public PackedConvolution {
 public:
  // split: how the input is split beforehand, at stride 2.
  OutputStationaryConvolution(const Convolution& conv, PackedStream stream,
                              std::optional<PhaseSplit> split, int group_size,
                              const PlanarLayout& input, const PlanarLayout& output,
                              const kernels::KernelTable& kernels)
      : kernel_(kernels.conv_os[std::countr_zero(static_cast<unsigned>(group_size))]),
        split_kernel_(kernels.split_phases),
        group_size_(group_size),
        stream_(std::move(stream)),
        fetch_taps_(split ? 0 : taps_to_fetch(stream_, conv.window)),
        split_(std::move(split)),
        mask_(position_mask(output)),
        positions_(PlanarLayout::round_up(output.positions(), kHalfVector)),
        output_(output) {
    stream_.offset.resize(stream_.offset.size() + kernels::kOsTapsAhead);
    task_ = {
        .stream = stream_.view(), .epilogue = epilogue_of(conv.activation), .mask = mask_->data()};
    if (!split_) task_.ahead = fetch_ahead(conv.window, input, output);
    if (!stays_near(conv.window, input)) task_.fetch_taps = fetch_taps_;
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
    // Part of the input comes from other cores' caches, which are even farther away.
    if (threads > 1) all.fetch_taps = fetch_taps_;
    const bool by_positions = cut_positions(positions_, threads);
    // A thread that gets groups of filters splits the whole input for itself.
    const int shares = split_ ? threads : 2 * threads;
    const int parts = threads == 1   ? 1
                      : by_positions ? threads
                                     : std::min(stream_.groups(), shares);
    const auto body = [&](int part) {
      kernels::ConvOs task = all;
      if (by_positions) {
        std::tie(task.position_begin, task.position_end) =
            range_of(positions_, parts, part, kVector);
      } else {
        std::tie(task.group_begin, task.group_end) = range_of(stream_.groups(), parts, part);
      }
      if (split_)
        task.input = split(input, rows_of({task.position_begin, task.position_end}, output_));
      kernel_(task);
    };
    parallel.run(parts, std::ref(body));
  }

  bool by_rows() const override { return true; }

  bool by_positions() const override { return true; }

  void run_rows(const float* input, float* output, Range rows) const override {
    const int pitch = output_.pitch();
    const Range positions{rows.begin * pitch / kVector * kVector, rows.end * pitch};
    if (!split_) return run_part(input, nullptr, output, positions, rows);
    // The split input of the rows before these is gone.
    const KeptPositions kept(output_, rows.begin, output,
                             scratch_of<KeptPositions>(floats_to_keep(output_)));
    run_part(input, nullptr, output, positions, rows);
    kept.put_back();
  }

  void run_positions(const float* input, const float* residual, float* output,
                     Range positions) const override {
    run_part(input, residual, output, positions, rows_of(positions, output_));
  }

  std::string kernel_name() const override { return "os-g" + std::to_string(group_size_); }
  std::size_t weight_bytes() const override { return stream_.bytes(); }

 private:
  // rows: the output rows whose input may be read; positions in other rows get any values.
  void run_part(const float* input, const float* residual, float* output, Range positions,
                Range rows) const {
    kernels::ConvOs task = task_;
    task.input = split_ ? split(input, rows) : input;
    task.output = output;
    task.epilogue.residual = residual;
    task.group_end = stream_.groups();
    task.position_begin = positions.begin;
    task.position_end = PlanarLayout::round_up(positions.end, kHalfVector);
    kernel_(task);
  }

  // Splits what these rows of the output read of the input, into the thread's own memory.
  const float* split(const float* input, Range rows) const {
    float* scratch = scratch_of<OutputStationaryConvolution>(split_->floats());
    split_kernel_(split_->task(input, scratch, rows.begin, rows.end));
    return scratch;
  }

  void (*kernel_)(const kernels::ConvOs&);
  void (*split_kernel_)(const kernels::SplitPhases&);
  int group_size_;
  PackedStream stream_;
  int fetch_taps_;  // used if inputs are not in a near cache; those of other threads never are
  std::optional<PhaseSplit> split_;
  std::shared_ptr<const std::vector<int32_t>> mask_;
  int positions_;
  PlanarLayout output_;
  kernels::ConvOs task_{};
};

}  // namespace

std::unique_ptr<PackedConvolution> pack_output_stationary(
    const Convolution& conv, const TapSets& taps, const Grouping& grouping, int group_size,
    const PlanarLayout& input, const PlanarLayout& output, const kernels::KernelTable& kernels) {
  std::optional<PhaseSplit> split;
  if (conv.window.strided()) split.emplace(conv.window, input, output);
  const auto offset_of = [&](int, int tap) {
    return split ? split->tap_offset(tap) : tap_offset(conv.window, input, tap);
  };
  PackedStream stream = pack_stream(conv, taps, grouping.groups, group_size, offset_of, output);
  return std::make_unique<OutputStationaryConvolution>(conv, std::move(stream), std::move(split),
                                                       group_size, input, output, kernels);
}

}  // namespace patternlite
