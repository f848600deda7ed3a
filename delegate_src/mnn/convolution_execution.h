// A sparse convolution in an MNN session: blocked -> planar, the engine's kernels, planar ->
// blocked.
#pragma once

#include <memory>
#include <string>

#include "engine/recognise/decision.h"
#include "mnn/abi.h"
#include "mnn/convolution_layer.h"
#include "mnn/shadow_backend.h"

namespace patternlite::mnn {

class ConvolutionExecution final : public abi::Execution {
 public:
  // Packs for the tensors' shapes and enters the layer into the session's log. `backend` must have
  // a ShadowBackend. Throws what ConvolutionLayer::pack throws.
  static std::unique_ptr<ConvolutionExecution> create(abi::Backend* backend,
                                                      std::shared_ptr<const ConvolutionLayer> layer,
                                                      LayerReport report,
                                                      const abi::Tensors& inputs,
                                                      const abi::Tensors& outputs);

  abi::ErrorCode on_resize(const abi::Tensors& inputs, const abi::Tensors& outputs) override;
  abi::ErrorCode on_execute(const abi::Tensors& inputs, const abi::Tensors& outputs) override;
  bool on_clone(abi::Backend* backend, const abi::Op* op, abi::Execution** destination) override;

 private:
  ConvolutionExecution(abi::Backend* backend, std::shared_ptr<ShadowBackend> shadow,
                       std::shared_ptr<const ConvolutionLayer> layer, std::string name,
                       std::size_t row);
  void prepare(const abi::Tensors& inputs, const abi::Tensors& outputs);

  const std::shared_ptr<ShadowBackend> shadow_;
  const std::shared_ptr<const ConvolutionLayer> layer_;
  const std::string name_;
  const std::size_t row_;  // in the session's log
  std::shared_ptr<const PackedLayer> packed_;
  std::shared_ptr<AlignedVector<float>> input_, output_;
};

}  // namespace patternlite::mnn
