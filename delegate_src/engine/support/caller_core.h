// Keeps workers off the core that their caller runs on.
#pragma once

#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

namespace patternlite {

// A system may wake a worker on its waker's core although others are idle, and move it only
// milliseconds later: whole networks took as long as with one thread. Workers therefore use the
// cores that were allowed to the thread that made this object (and then the workers), except the
// core on which their caller runs. Does nothing if that would leave fewer cores than workers, and
// on systems without such masks.
class CallerCore {
 public:
  CallerCore();
  // To be called before waking the workers. Costs little unless the caller has changed cores.
  void leave(std::vector<std::thread>& workers);

 private:
#ifdef __linux__
  cpu_set_t all_;
  int core_ = -1;  // the one that the workers' masks leave out
#endif
};

}  // namespace patternlite
