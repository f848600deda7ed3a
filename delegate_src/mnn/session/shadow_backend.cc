#include "mnn/session/shadow_backend.h"

#include <algorithm>
#include <cstdio>
#include <exception>

#include "mnn/abi/error_code.h"
#include "mnn/model/map_tensor.h"
#include "mnn/session/convolution_execution.h"
#include "mnn/session/session_program.h"
#include "mnn/session/wrapped_execution.h"

namespace patternlite::mnn {

ShadowBackend::ShadowBackend(const EngineHandle& engine, abi::Backend* backend,
                             const abi::Runtime* runtime, int pack)
    : engine_(engine),
      vtable_(backend, abi::kBackendSlots, this),
      pack_(pack),
      parallel_(engine, runtime),
      recording_(engine),
      log_(std::make_shared<LayerLog>(backend)),
      budget_(make_tune_budget(kTuneBudgetMs)) {
  vtable_.replace(abi::kBackendCreateExecution, &ShadowBackend::create_execution);
  vtable_.replace(abi::kBackendAcquire, &ShadowBackend::acquire);
  vtable_.replace(abi::kBackendResizeBegin, &ShadowBackend::resize_begin);
  vtable_.replace(abi::kBackendResizeEnd, &ShadowBackend::resize_end);
  vtable_.replace(abi::kBackendDelete, &ShadowBackend::destroy);
}

std::shared_ptr<ShadowBackend> ShadowBackend::attach(const EngineHandle& engine,
                                                     abi::Backend* backend,
                                                     const abi::Runtime* runtime) {
  const int pack = probe_pack(engine, backend);
  if (pack == 0) return nullptr;
  std::shared_ptr<ShadowBackend> shadow(new ShadowBackend(engine, backend, runtime, pack));
  shadow->self_ = shadow;
  shadow->vtable_.install();
  return shadow;
}

std::shared_ptr<ShadowBackend> ShadowBackend::of(const abi::Backend* backend) {
  const bool ours =
      abi::slot<abi::DeleteFunction>(backend, abi::kBackendDelete) == &ShadowBackend::destroy;
  return ours ? static_cast<ShadowBackend*>(ShadowVtable::owner_of(backend))->self_ : nullptr;
}

abi::ErrorCode ShadowBackend::compile() {
  return guarded([this] {
    if (!recording_.empty()) keep(SessionProgram::compile(recording_, *log_, budget_));
    recording_.clear();
  });
}

void ShadowBackend::keep(std::shared_ptr<const PackedLayers> packed) {
  if (packed->empty()) return;
  std::erase_if(packed_, [&](const auto& other) { return *other == *packed; });
  packed_.push_front(std::move(packed));
  if (packed_.size() > 2) packed_.pop_back();
}

void ShadowBackend::adopt(const ShadowBackend& original) {
  // MNN also clones within one backend, to get rid of weights it loaded from another file.
  if (this == &original) return;
  log_->adopt(*original.log_);
  lone_originals_ = original.lone_;
}

abi::Execution* ShadowBackend::create_execution(abi::Backend* backend, const abi::Tensors& inputs,
                                                const abi::Tensors& outputs, const abi::Op* op) {
  const auto shadow = of(backend);
  try {
    return shadow->create(backend, inputs, outputs, op);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "patternlite: left '%s' to MNN: %s\n", op_name(op).c_str(), error.what());
    return shadow->stock_execution(backend, inputs, outputs, op).release();
  }
}

StockExecution ShadowBackend::stock_execution(abi::Backend* backend, const abi::Tensors& inputs,
                                              const abi::Tensors& outputs,
                                              const abi::Op* op) const {
  return StockExecution(vtable_.original<abi::CreateExecutionFunction>(
      abi::kBackendCreateExecution)(backend, inputs, outputs, op));
}

abi::Execution* ShadowBackend::create(abi::Backend* backend, const abi::Tensors& inputs,
                                      const abi::Tensors& outputs, const abi::Op* op) {
  const std::int32_t type = op_type(op);
  const auto stock = [&] { return stock_execution(backend, inputs, outputs, op); };
  Origin origin = origin_of(inputs);
  for (const abi::Tensor* output : outputs) ours_.erase(output);
  if (type == kConvolution || type == kConvolutionDepthwise) {
    const Selection selection = select_convolution(engine_, inputs, outputs, op, pack_, origin);
    const std::size_t row = log_->add(selection.report);
    const bool sure = selection.choice == Selection::Choice::kOurs;
    if (selection.layer && !selection.gain) {
      ours_[outputs[0]] = sure ? Origin::kOurs : Origin::kMaybeOurs;
    }
    switch (selection.choice) {
      case Selection::Choice::kStock:
        return stock().release();
      case Selection::Choice::kOurs:
        return new ConvolutionExecution(backend, StockExecution(nullptr), selection.layer, false,
                                        {}, row);
      case Selection::Choice::kOursInARun:
      case Selection::Choice::kOursBesideOthers:
        return new ConvolutionExecution(backend, stock(), selection.layer,
                                        selection.choice == Selection::Choice::kOursBesideOthers,
                                        selection.gain, row);
    }
  }
  StockExecution execution = stock();
  std::unique_ptr<abi::Execution> ours;
  if (execution) {
    ours = wrapped_execution(backend, self_, execution, op);
  } else if (type == kInterp) {
    const std::string name = op_name(op);
    if (lone_originals_.contains(name)) origin = Origin::kOurs;
    if (origin == Origin::kOurs) ours = lone_execution(backend, self_, inputs, outputs, op);
    if (ours && !name.empty()) lone_.insert(name);
  }
  if (!ours) return execution.release();
  if (origin != Origin::kStock) {
    for (const abi::Tensor* output : outputs) ours_[output] = origin;
  }
  return ours.release();
}

Origin ShadowBackend::origin_of(const abi::Tensors& tensors) const {
  Origin surest = Origin::kStock;
  for (const abi::Tensor* tensor : tensors) {
    if (const auto found = ours_.find(tensor); found != ours_.end()) {
      surest = std::max(surest, found->second);
    }
  }
  return surest;
}

void* ShadowBackend::acquire(abi::Backend* backend, const abi::Tensor* tensor,
                             std::int32_t storage) {
  auto& shadow = *static_cast<ShadowBackend*>(ShadowVtable::owner_of(backend));
  ++shadow.acquisitions_;
  return shadow.vtable_.original<abi::AcquireFunction>(abi::kBackendAcquire)(backend, tensor,
                                                                             storage);
}

void ShadowBackend::resize_begin(abi::Backend* backend) {
  const auto shadow = of(backend);
  shadow->recording_.clear();
  shadow->vtable_.original<abi::ResizeBeginFunction>(abi::kBackendResizeBegin)(backend);
}

abi::ErrorCode ShadowBackend::resize_end(abi::Backend* backend) {
  const auto shadow = of(backend);
  const auto code =
      shadow->vtable_.original<abi::ResizeEndFunction>(abi::kBackendResizeEnd)(backend);
  if (code != abi::kNoError) return code;
  shadow->log_->set_resized();
  return shadow->compile();
}

void ShadowBackend::destroy(void* backend) {
  const auto shadow = of(static_cast<abi::Backend*>(backend));
  shadow->vtable_.restore();
  shadow->self_.reset();
  shadow->vtable_.original<abi::DeleteFunction>(abi::kBackendDelete)(backend);
}

}  // namespace patternlite::mnn
