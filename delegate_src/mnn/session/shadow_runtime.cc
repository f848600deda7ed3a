#include "mnn/session/shadow_runtime.h"

#include <cstdio>
#include <exception>
#include <mutex>
#include <set>
#include <stdexcept>
#include <utility>

#include "mnn/abi/shadow_vtable.h"
#include "mnn/model/map_tensor.h"
#include "mnn/session/shadow_backend.h"

namespace patternlite::mnn {
namespace {

// Where runtimes that are asked for their memory enter their logs; null: nobody wants to know.
thread_local std::unique_ptr<Logs>* collecting = nullptr;

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
    vtable_.replace(abi::kRuntimeMemory, &ShadowRuntime::memory);
    vtable_.replace(abi::kRuntimeDelete, &ShadowRuntime::destroy);
  }

  static ShadowRuntime* of(const void* runtime) {
    return static_cast<ShadowRuntime*>(ShadowVtable::owner_of(runtime));
  }

  static abi::Backend* create_backend(const abi::Runtime* runtime, const abi::BackendConfig* config,
                                      abi::Backend* origin) {
    ShadowRuntime& shadow = *of(runtime);
    abi::Backend* backend = shadow.vtable_.original<abi::CreateBackendFunction>(
        abi::kRuntimeCreateBackend)(runtime, config, origin);
    if (!backend) return nullptr;
    try {
      const auto attached = ShadowBackend::attach(shadow.engine_, backend, runtime);
      if (!attached) {
        throw std::runtime_error("its tensors are not float32; ask for another precision");
      }
      const std::lock_guard lock(shadow.mutex_);
      std::erase_if(shadow.logs_, [](const auto& log) { return log.expired(); });
      shadow.logs_.push_back(attached->log());
    } catch (const std::exception& error) {
      // Not null: MNN would use it.
      std::fprintf(stderr, "patternlite: MNN runs this session alone: %s\n", error.what());
    }
    return backend;
  }

  // MNN's own and what the plugin holds for this runtime's sessions.
  static float memory(abi::Runtime* runtime) {
    ShadowRuntime& shadow = *of(runtime);
    float megabytes = shadow.vtable_.original<abi::MemoryFunction>(abi::kRuntimeMemory)(runtime);
    if (collecting && !*collecting) *collecting = std::make_unique<Logs>();
    std::set<const void*> counted;
    for (auto& log : shadow.live_logs()) {
      const PlanReport plan = log->plan();
      const std::size_t bytes = plan.activation_bytes + plan.weight_bytes(counted);
      megabytes += static_cast<float>(bytes) / (1024 * 1024);
      if (collecting) (*collecting)->push_back(std::move(log));
    }
    return megabytes;
  }

  static void destroy(void* runtime) {
    const std::unique_ptr<ShadowRuntime> shadow(of(runtime));
    shadow->vtable_.restore();
    shadow->vtable_.original<abi::DeleteFunction>(abi::kRuntimeDelete)(runtime);
  }

  Logs live_logs() {
    const std::lock_guard lock(mutex_);
    Logs live;
    for (const auto& log : logs_) {
      if (auto held = log.lock()) live.push_back(std::move(held));
    }
    return live;
  }

  const EngineHandle& engine_;
  ShadowVtable vtable_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<LayerLog>> logs_;
};

// Whether sessions of this runtime compute in float32: asked of a backend made as theirs will be.
bool is_float32(const EngineHandle& engine, abi::Runtime* runtime, const abi::Info& info) {
  abi::Backend* backend = abi::slot<abi::CreateBackendFunction>(
      runtime, abi::kRuntimeCreateBackend)(runtime, info.user, nullptr);
  if (!backend) return false;
  const bool known = probe_pack(engine, backend) != 0;
  abi::slot<abi::DeleteFunction>(backend, abi::kBackendDelete)(backend);
  return known;
}

}  // namespace

abi::Runtime* ShadowRuntimeCreator::on_create(const abi::Info& info) const {
  abi::Info cpu_info = info;
  cpu_info.type = abi::kForwardCpu;
  abi::Runtime* runtime = cpu_->on_create(cpu_info);
  if (!runtime) return nullptr;
  try {
    if (!is_float32(engine_, runtime, info)) {
      throw std::runtime_error("it does not compute in float32; ask for another precision");
    }
    ShadowRuntime::attach(engine_, runtime);
    return runtime;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "patternlite: no session for this configuration: %s\n", error.what());
    abi::slot<abi::DeleteFunction>(runtime, abi::kRuntimeDelete)(runtime);
    return nullptr;
  }
}

std::unique_ptr<Logs> logs_of_runtimes_asked(const std::function<void()>& ask) {
  std::unique_ptr<Logs> logs;
  collecting = &logs;
  ask();
  collecting = nullptr;
  return logs;
}

}  // namespace patternlite::mnn
