#include "engine/execute/steps.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "engine/graph/activation.h"
#include "engine/pack/packed_convolution.h"
#include "engine/support/split.h"

namespace patternlite {
namespace {

// Runs body(first, last) over [0, channels), a share a thread. Small tensors stay on this thread:
// waking another costs more.
template <typename Body>
void over_channels(int channels, std::size_t floats, Parallel& parallel, const Body& body) {
  constexpr std::size_t kFloatsPerTask = 16 * 1024;
  const int parts = static_cast<int>(
      std::clamp<std::size_t>(floats / kFloatsPerTask, 1, std::min(channels, parallel.threads())));
  const auto task = [&](int part) {
    const auto [first, last] = range_of(channels, parts, part);
    body(first, last);
  };
  parallel.run(parts, std::ref(task));
}

class ConvolutionStep final : public Step {
 public:
  ConvolutionStep(const Convolution& op, const TensorMemory& memory,
                  const kernels::KernelTable& kernels)
      : packed_(PackedConvolution::pack(op, memory.layouts[op.input], memory.layouts[op.output],
                                        kernels)),
        input_(memory.at(op.input)),
        residual_(op.residual == kNoTensor ? nullptr : memory.at(op.residual)),
        output_(memory.at(op.output)) {}

  void run(Parallel& parallel) override { packed_->run(input_, residual_, output_, parallel); }
  std::string kernel_name() const override { return packed_->kernel_name(); }
  std::size_t weight_bytes() const override { return packed_->weight_bytes(); }

 private:
  std::unique_ptr<PackedConvolution> packed_;
  const float* input_;
  const float* residual_;
  float* output_;
};

// Also runs an activation that stands alone: pooling over windows of one.
class PoolStep final : public Step {
 public:
  PoolStep(const Pooling& op, const TensorMemory& memory, const kernels::KernelTable& kernels)
      : kernel_(kernels.pool) {
    const PlanarLayout &in = memory.layouts[op.input], &out = memory.layouts[op.output];
    const Clamp clamp = clamp_of(op.activation);
    task_ = {
        .input = memory.at(op.input),
        .output = memory.at(op.output),
        .kind = op.mode == PoolMode::kMax ? kernels::PoolKind::kMax : kernels::PoolKind::kAverage,
        .channels = out.shape.channels,
        .input_height = in.shape.height,
        .input_width = in.shape.width,
        .input_pitch = in.pitch(),
        .output_height = out.shape.height,
        .output_width = out.shape.width,
        .output_pitch = out.pitch(),
        .input_plane = in.plane(),
        .output_plane = out.plane(),
        .kernel_h = op.window.kernel_h,
        .kernel_w = op.window.kernel_w,
        .stride_h = op.window.stride_h,
        .stride_w = op.window.stride_w,
        .pad_top = op.window.pad_top,
        .pad_left = op.window.pad_left,
        .low = clamp.low,
        .high = clamp.high};
  }

  void run(Parallel& parallel) override {
    over_channels(task_.channels, task_.channels * task_.input_plane, parallel,
                  [this](int first, int last) {
                    kernels::Pool task = task_;
                    task.input += first * task.input_plane;
                    task.output += first * task.output_plane;
                    task.channels = last - first;
                    kernel_(task);
                  });
  }

 private:
  void (*kernel_)(const kernels::Pool&);
  kernels::Pool task_;
};

class AddStep final : public Step {
 public:
  AddStep(const Addition& op, const TensorMemory& memory, const kernels::KernelTable& kernels)
      : kernel_(kernels.add) {
    const PlanarLayout& layout = memory.layouts[op.output];
    const Clamp clamp = clamp_of(op.activation);
    task_ = {.a = memory.at(op.a),
             .b = memory.at(op.b),
             .output = memory.at(op.output),
             .channels = layout.shape.channels,
             .height = layout.shape.height,
             .width = layout.shape.width,
             .pitch = layout.pitch(),
             .plane = layout.plane(),
             .low = clamp.low,
             .high = clamp.high};
  }

  void run(Parallel& parallel) override {
    over_channels(task_.channels, task_.channels * task_.plane, parallel,
                  [this](int first, int last) {
                    kernels::Add task = task_;
                    task.a += first * task.plane;
                    task.b += first * task.plane;
                    task.output += first * task.plane;
                    task.channels = last - first;
                    kernel_(task);
                  });
  }

 private:
  void (*kernel_)(const kernels::Add&);
  kernels::Add task_;
};

// Padding that could not be folded into a convolution.
class PadStep final : public Step {
 public:
  PadStep(const Padding& op, const TensorMemory& memory)
      : op_(op),
        from_(memory.layouts[op.input]),
        to_(memory.layouts[op.output]),
        input_(memory.at(op.input)),
        output_(memory.at(op.output)) {}

  void run(Parallel& parallel) override {
    over_channels(to_.shape.channels, to_.elements(), parallel, [this](int first, int last) {
      for (int c = first; c < last; ++c) {
        for (int y = 0; y < to_.shape.height; ++y) pad_row(c, y);
      }
    });
  }

 private:
  void pad_row(int channel, int y) {
    float* row = output_ + channel * to_.plane() + static_cast<std::ptrdiff_t>(y) * to_.pitch();
    std::fill_n(row, to_.shape.width, 0.0f);
    const int source = y - op_.top;
    if (source < 0 || source >= from_.shape.height) return;
    std::copy_n(
        input_ + channel * from_.plane() + static_cast<std::ptrdiff_t>(source) * from_.pitch(),
        from_.shape.width, row + op_.left);
  }

  Padding op_;
  PlanarLayout from_, to_;
  const float* input_;
  float* output_;
};

// All of a layout change but the two pointers: the runtime's image is dense NHWC.
kernels::Interleave layout_change(const PlanarLayout& layout) {
  return {.channels = layout.shape.channels,
          .pixel_stride = layout.shape.channels,
          .height = layout.shape.height,
          .width = layout.shape.width,
          .pitch = layout.pitch(),
          .plane = layout.plane()};
}

class ToPlanar final : public InputStep {
 public:
  ToPlanar(const PlanarLayout& layout, float* planar, const kernels::KernelTable& kernels)
      : kernel_(kernels.to_planar), task_(layout_change(layout)) {
    task_.output = planar;
  }

  void run(const float* image, Parallel&) override {
    task_.input = image;
    kernel_(task_);
  }

 private:
  void (*kernel_)(const kernels::Interleave&);
  kernels::Interleave task_;
};

class ToImage final : public OutputStep {
 public:
  ToImage(const PlanarLayout& layout, const float* planar, const kernels::KernelTable& kernels)
      : kernel_(kernels.to_interleaved), task_(layout_change(layout)) {
    task_.input = planar;
  }

  void run(float* image, Parallel&) override {
    task_.output = image;
    kernel_(task_);
  }

 private:
  void (*kernel_)(const kernels::Interleave&);
  kernels::Interleave task_;
};

struct StepMaker {
  const TensorMemory& memory;
  const kernels::KernelTable& kernels;

  std::unique_ptr<Step> operator()(const Convolution& op) const {
    return std::make_unique<ConvolutionStep>(op, memory, kernels);
  }
  std::unique_ptr<Step> operator()(const Pooling& op) const {
    return std::make_unique<PoolStep>(op, memory, kernels);
  }
  std::unique_ptr<Step> operator()(const Addition& op) const {
    return std::make_unique<AddStep>(op, memory, kernels);
  }
  std::unique_ptr<Step> operator()(const Padding& op) const {
    return std::make_unique<PadStep>(op, memory);
  }
  std::unique_ptr<Step> operator()(const ActivationOp& op) const {
    return std::make_unique<PoolStep>(
        Pooling{op.input, op.output, PoolMode::kMax, Window{}, op.activation}, memory, kernels);
  }
  std::unique_ptr<Step> operator()(const Alias&) const {
    throw std::logic_error("fuse() leaves no aliases");
  }
};

}  // namespace

std::unique_ptr<Step> make_step(const Node& node, const TensorMemory& memory,
                                const kernels::KernelTable& kernels) {
  return std::visit(StepMaker{memory, kernels}, node.op);
}

std::unique_ptr<InputStep> make_input_step(const PlanarLayout& layout, float* planar,
                                           const kernels::KernelTable& kernels) {
  return std::make_unique<ToPlanar>(layout, planar, kernels);
}

std::unique_ptr<OutputStep> make_output_step(const PlanarLayout& layout, const float* planar,
                                             const kernels::KernelTable& kernels) {
  return std::make_unique<ToImage>(layout, planar, kernels);
}

}  // namespace patternlite
