// The engine's own threads, for runtimes that lend none.
#pragma once

#include <memory>

#include "engine/support/parallel.h"

namespace patternlite {

// `threads` counts the caller: threads - 1 workers are started. Workers spin for some microseconds
// after a job, since layers follow each other that fast, then sleep until the next. A second caller
// that finds the pool busy does its job alone. Where the system grants fewer workers, there are
// fewer. A forked process gets workers of its own, when it first asks for them; but where the pool
// was at work in another thread, it stays busy there.
std::shared_ptr<Parallel> make_thread_pool(int threads);

}  // namespace patternlite
