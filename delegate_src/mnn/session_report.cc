#include "mnn/session_report.h"

#include "mnn/registration.h"

namespace patternlite::mnn {

std::unique_ptr<Logs> logs_of_session(const abi::Session* session) {
  const EngineHandle& engine = registered_engine();
  if (!session) return nullptr;
  float megabytes = 0;
  auto logs =
      logs_of_runtimes_asked([&] { engine->session_info(session, abi::kInfoMemory, &megabytes); });
  if (!logs || logs->size() < 2) return logs;
  // Several sessions may share a runtime. This one's backend is that of its first input.
  const abi::Tensor* input = engine->session_input(session, nullptr);
  const auto* backend =
      input ? abi::field<const void*>(engine->describe_origin(input), abi::kOriginBackend)
            : nullptr;
  for (const auto& log : *logs) {
    if (log->backend() == backend) return std::make_unique<Logs>(Logs{log});
  }
  return logs;
}

std::unique_ptr<Logs> logs_of_manager(abi::RuntimeManager* manager) {
  const EngineHandle& engine = registered_engine();
  if (!manager) return nullptr;
  float megabytes = 0;
  return logs_of_runtimes_asked(
      [&] { engine->manager_info(manager, abi::kInfoMemory, &megabytes); });
}

}  // namespace patternlite::mnn
