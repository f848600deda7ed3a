#include "engine/support/forks.h"

#include <atomic>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace patternlite {
namespace {

std::atomic<unsigned> count = 0;

#if defined(__unix__) || defined(__APPLE__)
// Asking the system for the process's number would take longer, and this is asked for every layer.
[[maybe_unused]] const int kCounted = pthread_atfork(nullptr, nullptr, [] { ++count; });
#endif

}  // namespace

unsigned forks() { return count.load(std::memory_order_relaxed); }

}  // namespace patternlite
