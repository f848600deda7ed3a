#include "engine/support/caller_core.h"

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#endif

namespace patternlite {

#ifdef __linux__
CallerCore::CallerCore() : process_(getpid()) {}

void CallerCore::leave(std::vector<std::thread>& workers) {
  const int core = sched_getcpu();
  if (core == core_) return;
  core_ = core;
  if (getpid() != process_) return;
  cpu_set_t others;  // the caller's: they may have been changed since the workers were made
  if (core < 0 || sched_getaffinity(0, sizeof others, &others) != 0) return;
  CPU_CLR(core, &others);
  if (CPU_COUNT(&others) < static_cast<int>(workers.size())) return;
  for (std::thread& worker : workers) {
    pthread_setaffinity_np(worker.native_handle(), sizeof others, &others);
  }
}
#else
CallerCore::CallerCore() : process_(0) {}

void CallerCore::leave(std::vector<std::thread>&) {}
#endif

}  // namespace patternlite
