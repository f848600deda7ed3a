#include "mnn/convolution_execution.h"

#include <cstdio>
#include <exception>
#include <new>
#include <utility>

#include "mnn/blocked_tensor.h"

namespace patternlite::mnn {

std::unique_ptr<ConvolutionExecution> ConvolutionExecution::create(
    abi::Backend* backend, std::shared_ptr<const ConvolutionLayer> layer, LayerReport report,
    const abi::Tensors& inputs, const abi::Tensors& outputs) {
  // Packed before it is entered: a layer that the engine refuses never was ours.
  const auto packed =
      layer->pack(blocked_tensor(*inputs[0], 1).shape, blocked_tensor(*outputs[0], 1).shape);
  report.kernel = packed->convolution->kernel_name();
  auto shadow = ShadowBackend::of(backend);
  const std::size_t row = shadow->log().add(report);
  std::unique_ptr<ConvolutionExecution> execution(new ConvolutionExecution(
      backend, std::move(shadow), std::move(layer), std::move(report.name), row));
  execution->prepare(inputs, outputs);
  return execution;
}

ConvolutionExecution::ConvolutionExecution(abi::Backend* backend,
                                           std::shared_ptr<ShadowBackend> shadow,
                                           std::shared_ptr<const ConvolutionLayer> layer,
                                           std::string name, std::size_t row)
    : Execution(backend),
      shadow_(std::move(shadow)),
      layer_(std::move(layer)),
      name_(std::move(name)),
      row_(row) {}

void ConvolutionExecution::prepare(const abi::Tensors& inputs, const abi::Tensors& outputs) {
  packed_ = layer_->pack(blocked_tensor(*inputs[0], 1).shape, blocked_tensor(*outputs[0], 1).shape);
  input_ = shadow_->scratch().reserve(PlanarScratch::Role::kInput, packed_->input);
  output_ = shadow_->scratch().reserve(PlanarScratch::Role::kOutput, packed_->output);
  shadow_->log().set_kernel(row_, packed_->convolution->kernel_name());
}

abi::ErrorCode ConvolutionExecution::on_resize(const abi::Tensors& inputs,
                                               const abi::Tensors& outputs) {
  try {
    prepare(inputs, outputs);
    return abi::kNoError;
  } catch (const std::bad_alloc&) {
    return abi::kOutOfMemory;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "patternlite: layer '%s': %s\n", name_.c_str(), error.what());
    return abi::kNotSupport;
  }
}

abi::ErrorCode ConvolutionExecution::on_execute(const abi::Tensors& inputs,
                                                const abi::Tensors& outputs) {
  try {
    const BlockedTensor from = blocked_tensor(*inputs[0], shadow_->pack());
    const BlockedTensor to = blocked_tensor(*outputs[0], shadow_->pack());
    const auto& [input_layout, output_layout, kernels, convolution] = *packed_;
    float* const input = input_->data() + input_layout.lead();
    float* const output = output_->data() + output_layout.lead();
    Parallel& parallel = shadow_->parallel();
    for (int image = 0; image < from.batch; ++image) {
      to_planar(from, image, input, input_layout, *kernels, parallel);
      convolution->run(input, nullptr, output, parallel);
      from_planar(output, output_layout, to, image, *kernels, parallel);
    }
    return abi::kNoError;
  } catch (const std::bad_alloc&) {
    return abi::kOutOfMemory;
  }
}

bool ConvolutionExecution::on_clone(abi::Backend* backend, const abi::Op*,
                                    abi::Execution** destination) {
  try {
    if (!destination) return true;
    auto shadow = ShadowBackend::of(backend);
    if (!shadow) return false;
    // MNN also clones within one backend, to get rid of weights it loaded from another file.
    if (shadow != shadow_) shadow->log().adopt(shadow_->log());
    *destination = new ConvolutionExecution(backend, std::move(shadow), layer_, name_, row_);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace patternlite::mnn
