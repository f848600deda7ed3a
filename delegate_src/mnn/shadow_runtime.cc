#include "mnn/shadow_runtime.h"

#include <cstdio>
#include <exception>
#include <memory>

#include "mnn/shadow_backend.h"
#include "mnn/shadow_vtable.h"

namespace patternlite::mnn {
namespace {

// Lives as long as the runtime it is attached to.
class ShadowRuntime {
 public:
  static void attach(const EngineHandle& engine, abi::Runtime* runtime) {
    auto* shadow = new ShadowRuntime(engine, runtime);
    shadow->vtable_.install();
  }

 private:
  ShadowRuntime(const EngineHandle& engine, abi::Runtime* runtime)
      : engine_(engine), vtable_(runtime, abi::kRuntimeSlots, this) {
    vtable_.replace(abi::kRuntimeCreateBackend, &ShadowRuntime::create_backend);
    vtable_.replace(abi::kRuntimeDelete, &ShadowRuntime::destroy);
  }

  static ShadowRuntime* of(const void* runtime) {
    return static_cast<ShadowRuntime*>(ShadowVtable::owner_of(runtime));
  }

  static abi::Backend* create_backend(const abi::Runtime* runtime, const abi::BackendConfig* config,
                                      abi::Backend* origin) {
    const ShadowRuntime& shadow = *of(runtime);
    abi::Backend* backend = shadow.vtable_.original<abi::CreateBackendFunction>(
        abi::kRuntimeCreateBackend)(runtime, config, origin);
    if (!backend) return nullptr;
    try {
      ShadowBackend::attach(shadow.engine_, backend, runtime);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "patternlite: MNN runs this session alone: %s\n", error.what());
    }
    return backend;
  }

  static void destroy(void* runtime) {
    const std::unique_ptr<ShadowRuntime> shadow(of(runtime));
    shadow->vtable_.restore();
    shadow->vtable_.original<abi::DeleteFunction>(abi::kRuntimeDelete)(runtime);
  }

  const EngineHandle& engine_;
  ShadowVtable vtable_;
};

}  // namespace

abi::Runtime* ShadowRuntimeCreator::on_create(const abi::Info& info) const {
  abi::Info cpu_info = info;
  cpu_info.type = abi::kForwardCpu;
  abi::Runtime* runtime = cpu_->on_create(cpu_info);
  if (!runtime) return nullptr;
  try {
    ShadowRuntime::attach(engine_, runtime);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "patternlite: MNN runs this session alone: %s\n", error.what());
  }
  return runtime;
}

}  // namespace patternlite::mnn
