#include "engine/pack/curved_convolution.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "engine/pack/curve_task.h"
#include "engine/pack/kept_positions.h"
#include "engine/support/machine.h"
#include "engine/support/scratch.h"
#include "engine/support/share_out.h"
#include "engine/support/split.h"

namespace patternlite {
namespace {

const char* name_of(Curve curve) {
  switch (curve) {
    case Curve::kLeakyRelu:
      return "leaky-relu";
    case Curve::kHardSwish:
      return "hard-swish";
    case Curve::kSigmoid:
      return "sigmoid";
    case Curve::kTanh:
      return "tanh";
    case Curve::kGelu:
      return "gelu";
    case Curve::kTanhGelu:
      return "tanh-gelu";
    case Curve::kSilu:
      break;
  }
  return "silu";
}

// Treats rows as one if that takes fewer vectors: what lies between them is zero, which curves
// other than a sigmoid keep, or is read by nobody.
kernels::Curve joined(kernels::Curve task) {
  kernels::Planes& planes = task.planes;
  const auto vectors = [](int width) { return (width + kVector - 1) / kVector; };
  const int width = (planes.height - 1) * planes.pitch + planes.width;
  if (task.kind == Curve::kSigmoid || vectors(width) > planes.height * vectors(planes.width)) {
    return task;
  }
  planes.height = 1;
  planes.width = width;
  return task;
}

class CurvedConvolution final : public PackedConvolution {
 public:
  CurvedConvolution(const CurveOp& op, const PlanarLayout& layout,
                    std::unique_ptr<PackedConvolution> convolution,
                    const kernels::KernelTable& kernels)
      : convolution_(std::move(convolution)),
        kernel_(kernels.curve),
        layout_(layout),
        slopes_(slopes_of(op, layout.shape.channels)),
        task_(curve_task(op, layout, slopes_)),
        name_(convolution_->kernel_name() + "+" + name_of(op.curve)) {}

  void run(const float* input, const float* residual, float* output,
           Parallel& parallel) const override {
    const int parts = parts_of_share(parallel.threads());
    if (parts == 1 || !by_positions()) {
      convolution_->run(input, residual, output, parallel);
      return bend_all(output, parallel);
    }
    const int shares = std::min(parallel.threads(), (layout_.positions() + kVector - 1) / kVector);
    const auto body = [&](int share) {
      const auto [first, last] = range_of(layout_.positions(), shares, share, kVector);
      for (int part = 0; part < parts; ++part) {
        const auto [begin, end] = range_of(last - first, parts, part, kVector);
        if (begin < end) {
          run_positions(input, residual, output, {first + begin, first + end});
        }
      }
    };
    parallel.run(shares, std::ref(body));
  }

  bool by_rows() const override { return convolution_->by_rows(); }
  bool by_positions() const override { return convolution_->by_positions(); }

  // The curve has already been applied to what the convolution overwrites before the rows.
  void run_rows(const float* input, float* output, Range rows) const override {
    const KeptPositions kept(layout_, rows.begin, output,
                             scratch_of<CurvedConvolution>(floats_to_keep(layout_)));
    convolution_->run_rows(input, output, rows);
    kept.put_back();
    bend(output, rows.begin, rows.count(), 0, layout_.shape.width);
  }

  void run_positions(const float* input, const float* residual, float* output,
                     Range positions) const override {
    convolution_->run_positions(input, residual, output, positions);
    const int pitch = layout_.pitch(), width = layout_.shape.width;
    int row = positions.begin / pitch;
    const auto column = [&](int position) { return std::clamp(position - row * pitch, 0, width); };
    if (column(positions.begin) > 0) {
      bend(output, row, 1, column(positions.begin), column(positions.end));
      ++row;
    }
    const int whole = std::max(0, positions.end / pitch - row);
    bend(output, row, whole, 0, width);
    row += whole;
    if (row < layout_.shape.height) bend(output, row, 1, 0, column(positions.end));
  }

  std::string kernel_name() const override { return name_; }
  std::size_t weight_bytes() const override { return convolution_->weight_bytes(); }

 private:
  // Into how many parts a thread's share is cut, so that what it has written of one stays in the
  // cache.
  int parts_of_share(int threads) const {
    const std::size_t bytes = sizeof(float) * layout_.plane() * layout_.shape.channels / threads;
    return static_cast<int>(bytes / (second_level_cache() / 2)) + 1;
  }

  void bend_all(float* output, Parallel& parallel) const {
    const int channels = layout_.shape.channels;
    share_out(channels, channels * layout_.plane(), parallel, [&](int first, int last) {
      kernels::Curve task = task_;
      task.input = task.output = output;
      kernel_(channels_of(joined(task), first, last));
    });
  }

  // Applies the curve, in all channels, to these rows' columns from `first` to `last` - 1.
  void bend(float* output, int row, int rows, int first, int last) const {
    if (rows < 1 || first >= last) return;
    kernels::Curve task = task_;
    task.input = task.output = output + std::ptrdiff_t{row} * task.planes.pitch + first;
    task.planes.height = rows;
    task.planes.width = last - first;
    kernel_(joined(task));
  }

  std::unique_ptr<PackedConvolution> convolution_;
  void (*kernel_)(const kernels::Curve&);
  PlanarLayout layout_;
  std::vector<float> slopes_;
  kernels::Curve task_;
  std::string name_;
};

}  // namespace

std::unique_ptr<PackedConvolution> pack_curved(const PlanarConvolution& conv,
                                               std::unique_ptr<PackedConvolution> convolution,
                                               const kernels::KernelTable& kernels) {
  return std::make_unique<CurvedConvolution>(*conv.op.curve, conv.output, std::move(convolution),
                                             kernels);
}

}  // namespace patternlite
