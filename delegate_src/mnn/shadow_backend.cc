#include "mnn/shadow_backend.h"

#include <cstdio>
#include <exception>

#include "mnn/blocked_tensor.h"
#include "mnn/convolution_execution.h"
#include "mnn/selection.h"

namespace patternlite::mnn {

ShadowBackend::ShadowBackend(const EngineHandle& engine, abi::Backend* backend,
                             const abi::Runtime* runtime, int pack)
    : engine_(engine),
      vtable_(backend, abi::kBackendSlots, this),
      pack_(pack),
      parallel_(engine, runtime) {
  vtable_.replace(abi::kBackendCreateExecution, &ShadowBackend::create_execution);
  vtable_.replace(abi::kBackendDelete, &ShadowBackend::destroy);
}

void ShadowBackend::attach(const EngineHandle& engine, abi::Backend* backend,
                           const abi::Runtime* runtime) {
  const int pack = probe_pack(engine, backend);
  if (pack == 0) {
    std::fputs("patternlite: this session does not compute in float32; MNN runs it alone.\n",
               stderr);
    return;
  }
  std::shared_ptr<ShadowBackend> shadow(new ShadowBackend(engine, backend, runtime, pack));
  shadow->self_ = shadow;
  shadow->vtable_.install();
}

std::shared_ptr<ShadowBackend> ShadowBackend::of(const abi::Backend* backend) {
  const bool ours =
      abi::slot<abi::DeleteFunction>(backend, abi::kBackendDelete) == &ShadowBackend::destroy;
  return ours ? static_cast<ShadowBackend*>(ShadowVtable::owner_of(backend))->self_ : nullptr;
}

abi::Execution* ShadowBackend::create_execution(abi::Backend* backend, const abi::Tensors& inputs,
                                                const abi::Tensors& outputs, const abi::Op* op) {
  const auto shadow = of(backend);
  const std::int32_t type = op_type(op);
  if (type == kConvolution || type == kConvolutionDepthwise) {
    try {
      Selection selection = select_convolution(shadow->engine_, inputs, outputs, op, shadow->pack_);
      std::unique_ptr<ConvolutionExecution> execution;
      if (selection.layer) {
        execution = ConvolutionExecution::create(backend, selection.layer, selection.report, inputs,
                                                 outputs);
      } else {
        shadow->log_->add(std::move(selection.report));
      }
      if (execution) return execution.release();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "patternlite: left '%s' to MNN: %s\n", op_name(op).c_str(),
                   error.what());
    }
  }
  return shadow->vtable_.original<abi::CreateExecutionFunction>(abi::kBackendCreateExecution)(
      backend, inputs, outputs, op);
}

void ShadowBackend::destroy(void* backend) {
  const auto shadow = of(static_cast<abi::Backend*>(backend));
  shadow->vtable_.restore();
  shadow->self_.reset();
  shadow->vtable_.original<abi::DeleteFunction>(abi::kBackendDelete)(backend);
}

}  // namespace patternlite::mnn
