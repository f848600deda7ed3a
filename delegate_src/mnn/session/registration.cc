#include "mnn/session/registration.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/support/isa.h"
#include "mnn/session/self_test.h"
#include "mnn/session/shadow_runtime.h"

namespace patternlite::mnn {
namespace {

// MNN_FORWARD_USER_0, USER_1 and USER_3: types the stock wheel leaves to plugins.
constexpr int kForwardTypes[] = {8, 9, 11};
// MNN_FORWARD_METAL, which is nowhere but on Apple's systems: what nn.load_module_from_file() makes
// of a number given as `backend`. Where MNN's own enumeration has its value, an integer of CPython
// 3.11 has the count of its digits. MNN would run such a module alone, as it runs what asks for
// Metal.
constexpr int kAnyNumber = 1;

std::atomic<const EngineHandle*> holder{nullptr};

}  // namespace

int register_backend(const std::string& library, const std::vector<std::string>& supported) {
  static std::mutex mutex;
  static std::optional<int> registered;
  const std::lock_guard lock(mutex);
  if (registered) return *registered;
  best_kernels();  // throws now if PATTERNLITE_ISA names no ISA

  auto engine = std::make_unique<EngineHandle>(EngineHandle::open(library, supported));
  self_test(*engine);
  const abi::RuntimeCreator* cpu = (*engine)->get_runtime_creator(abi::kForwardCpu);
  auto creator = std::make_unique<ShadowRuntimeCreator>(*engine, cpu);
  for (int type : kForwardTypes) {
    if ((*engine)->get_runtime_creator(type) ||
        !(*engine)->insert_runtime_creator(type, creator.get(), false)) {
      continue;
    }
    if (!(*engine)->get_runtime_creator(kAnyNumber)) {
      (*engine)->insert_runtime_creator(kAnyNumber, creator.get(), false);
    }
    // MNN keeps both to the end of the process; it has no way to unregister.
    holder = engine.release();
    std::ignore = creator.release();
    registered = type;
    return type;
  }
  throw RegistrationError(
      "Other plugins hold all of MNN's forward types for plugins (8, 9, 11): register patternlite "
      "before them.");
}

const EngineHandle& registered_engine() {
  if (!holder) throw RegistrationError("patternlite's backend is not registered with MNN.");
  return *holder;
}

}  // namespace patternlite::mnn
