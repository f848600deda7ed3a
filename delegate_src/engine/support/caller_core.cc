#include "engine/support/caller_core.h"

#ifdef __linux__
#include <pthread.h>
#endif

namespace patternlite {

#ifdef __linux__
CallerCore::CallerCore() {
  if (sched_getaffinity(0, sizeof all_, &all_) != 0) CPU_ZERO(&all_);
}

void CallerCore::leave(std::vector<std::thread>& workers) {
  const int core = sched_getcpu();
  if (core == core_) return;
  core_ = core;
  cpu_set_t others = all_;
  if (core >= 0) CPU_CLR(core, &others);
  if (CPU_COUNT(&others) < static_cast<int>(workers.size())) return;
  for (std::thread& worker : workers) {
    pthread_setaffinity_np(worker.native_handle(), sizeof others, &others);
  }
}
#else
CallerCore::CallerCore() = default;

void CallerCore::leave(std::vector<std::thread>&) {}
#endif

}  // namespace patternlite
