// Keeps workers off the core that their caller runs on.
#pragma once

#include <thread>
#include <vector>

namespace patternlite {

// A system may wake a worker on its waker's core although others are idle, and move it only
// milliseconds later: whole networks took as long as with one thread. Does nothing where the caller
// may use no more cores than there are workers, on systems that have no such masks, and in a forked
// process, where the workers are not.
class CallerCore {
 public:
  CallerCore();
  // The calling thread is about to wake the workers. Costs little unless it has changed cores.
  void leave(std::vector<std::thread>& workers);

 private:
  int process_;
  int core_ = -1;  // that the workers' masks leave out
};

}  // namespace patternlite
