// Keeps workers off the core that their caller runs on.
#pragma once

#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

namespace patternlite {

// A system may wake a worker on its waker's core although others are idle, and move it only
// milliseconds later: whole networks took as long as with one thread. Of the cores that the thread
// may use which makes this, and so the workers that it makes then, they use all but the caller's,
// whichever that is and whatever else it may use. Does nothing where that would leave fewer than
// there are workers, and on systems that have no such masks.
class CallerCore {
 public:
  CallerCore();
  // The calling thread is about to wake the workers. Costs little unless it has changed cores.
  void leave(std::vector<std::thread>& workers);

 private:
#ifdef __linux__
  cpu_set_t all_;
  int core_ = -1;  // that the workers' masks leave out
#endif
};

}  // namespace patternlite
