#include "mnn/session/session_report.h"

#include <algorithm>
#include <stdexcept>

#include "mnn/session/registration.h"

namespace patternlite::mnn {
namespace {

Logs resized(Logs logs) {
  std::erase_if(logs, [](const auto& log) { return !log->is_resized(); });
  return logs;
}

bool is_float32(const abi::Tensor& tensor) {
  return tensor.type.code == abi::kFloat32.code && tensor.type.bits == abi::kFloat32.bits;
}

// The session's own among those that share its runtime, null if it has another backend: that made
// the session's tensors, but for integers, which MNN leaves to another one.
std::unique_ptr<Logs> of_session(const EngineHandle& engine, const abi::Session* session,
                                 const Logs& logs) {
  bool is_of_another = false, is_told = false;
  for (const auto tensor_of : {engine->session_input, engine->session_output}) {
    const abi::Tensor* tensor = tensor_of(session, nullptr);
    if (!tensor) continue;
    const void* origin = engine->describe_origin(tensor);
    const auto* backend = abi::field<const void*>(origin, abi::kOriginBackend);
    for (const auto& log : logs) {
      if (log->backend() == backend) return std::make_unique<Logs>(Logs{log});
    }
    is_told |= is_float32(*tensor);
    is_of_another |= backend && is_float32(*tensor);
  }
  if (is_of_another) return nullptr;
  if (is_told) return std::make_unique<Logs>();  // it has no sizes yet
  if (logs.size() == 1) return std::make_unique<Logs>(logs);
  if (std::ranges::all_of(logs, [](const auto& log) { return log->is_resized(); })) {
    throw std::runtime_error(
        "this session cannot be told from others of its runtime, as its first input and output "
        "hold integers: create it without a shared runtime");
  }
  return std::make_unique<Logs>();
}

}  // namespace

std::unique_ptr<Logs> logs_of_session(const abi::Session* session) {
  const EngineHandle& engine = registered_engine();
  if (!session) return nullptr;
  float megabytes = 0;
  const auto logs =
      logs_of_runtimes_asked([&] { engine->session_info(session, abi::kInfoMemory, &megabytes); });
  if (!logs) return nullptr;
  auto own = of_session(engine, session, *logs);
  if (own) *own = resized(std::move(*own));
  return own;
}

std::unique_ptr<Logs> logs_of_manager(abi::RuntimeManager* manager) {
  const EngineHandle& engine = registered_engine();
  if (!manager) return nullptr;
  float megabytes = 0;
  const auto logs =
      logs_of_runtimes_asked([&] { engine->manager_info(manager, abi::kInfoMemory, &megabytes); });
  return logs ? std::make_unique<Logs>(resized(*logs)) : nullptr;
}

}  // namespace patternlite::mnn
