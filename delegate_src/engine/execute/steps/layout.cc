#include "engine/execute/steps.h"
#include "engine/pack/planes.h"
#include "engine/support/share_out.h"

namespace patternlite {
namespace {

class ToPlanar final : public InputStep {
 public:
  ToPlanar(const PlanarLayout& layout, float* planar, const kernels::KernelTable& kernels)
      : kernel_(kernels.to_planar), task_(interleave_of(layout)) {
    task_.output = planar;
  }

  void run(const float* image, Parallel& parallel) override {
    const std::size_t floats = static_cast<std::size_t>(task_.channels) * task_.plane;
    share_out(task_.height, floats, parallel, [&](int first, int last) {
      kernels::Interleave task = task_;
      task.input = image + std::ptrdiff_t{first} * task.width * task.pixel_stride;
      task.output += std::ptrdiff_t{first} * task.pitch;
      task.height = last - first;
      kernel_(task);
    });
  }

 private:
  void (*kernel_)(const kernels::Interleave&);
  kernels::Interleave task_;
};

class ToImage final : public OutputStep {
 public:
  ToImage(const PlanarLayout& layout, const float* planar, const kernels::KernelTable& kernels)
      : kernel_(kernels.to_interleaved), task_(interleave_of(layout)) {
    task_.input = planar;
  }

  void run(float* image, Parallel& parallel) override {
    const std::size_t floats = static_cast<std::size_t>(task_.channels) * task_.plane;
    share_out(task_.height, floats, parallel, [&](int first, int last) {
      kernels::Interleave task = task_;
      task.input += std::ptrdiff_t{first} * task.pitch;
      task.output = image + std::ptrdiff_t{first} * task.width * task.pixel_stride;
      task.height = last - first;
      kernel_(task);
    });
  }

 private:
  void (*kernel_)(const kernels::Interleave&);
  kernels::Interleave task_;
};

}  // namespace

std::unique_ptr<InputStep> make_input_step(const PlanarLayout& layout, float* planar,
                                           const kernels::KernelTable& kernels) {
  return std::make_unique<ToPlanar>(layout, planar, kernels);
}

std::unique_ptr<OutputStep> make_output_step(const PlanarLayout& layout, const float* planar,
                                             const kernels::KernelTable& kernels) {
  return std::make_unique<ToImage>(layout, planar, kernels);
}

}  // namespace patternlite
