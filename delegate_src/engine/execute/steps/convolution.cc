#include <utility>

#include "engine/execute/steps.h"

namespace patternlite {
namespace {

class ConvolutionStep final : public Step {
 public:
  ConvolutionStep(const Convolution& op, const TensorMemory& memory,
                  std::unique_ptr<PackedConvolution> packed)
      : packed_(std::move(packed)),
        input_(memory.at(op.input)),
        residual_(op.residual == kNoTensor ? nullptr : memory.at(op.residual)),
        output_(memory.at(op.output)) {}

  void run(Parallel& parallel) override { packed_->run(input_, residual_, output_, parallel); }
  std::size_t weight_bytes() const override { return packed_->weight_bytes(); }

 private:
  std::unique_ptr<PackedConvolution> packed_;
  const float* input_;
  const float* residual_;
  float* output_;
};

}  // namespace

std::unique_ptr<Step> make_convolution_step(const Convolution& op, const TensorMemory& memory,
                                            std::unique_ptr<PackedConvolution> packed) {
  return std::make_unique<ConvolutionStep>(op, memory, std::move(packed));
}

}  // namespace patternlite
