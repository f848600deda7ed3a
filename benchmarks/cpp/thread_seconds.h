// The clock of the benchmarks: what other processes take from a shared machine does not count.
#pragma once

#include <time.h>

namespace patternlite {

inline double thread_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

}  // namespace patternlite
