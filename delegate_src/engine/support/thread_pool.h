// The engine's own threads, for runtimes that provide none.
#pragma once

#include <memory>

#include "engine/support/parallel.h"

namespace patternlite {

// `threads` includes the caller: threads - 1 workers are started, or fewer if the system grants
// fewer. Workers spin for some microseconds after a job, since layers follow each other that fast,
// then sleep until the next. A second caller that finds the pool busy does its job alone. A forked
// process gets workers of its own when it first needs them; but if the pool was at work in another
// thread when it forked, the pool stays busy there.
std::shared_ptr<Parallel> make_thread_pool(int threads);

}  // namespace patternlite
