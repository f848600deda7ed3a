#include "engine/support/aligned.h"

#include <new>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

#include "engine/support/large_pages.h"

// GCC defines a macro under the address sanitizer; Clang has to be asked.
#ifdef __has_feature
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__
#endif
#endif

namespace patternlite {

#ifdef __SANITIZE_ADDRESS__

// Allocates each block separately, with the sanitizer's red zones around it.
void* allocate_aligned(std::size_t bytes) {
  return ::operator new(bytes, std::align_val_t{kCacheLine});
}

void free_aligned(void* memory, std::size_t) noexcept {
  ::operator delete(memory, std::align_val_t{kCacheLine});
}

#else

namespace {

LargePages& heap() {
  static auto& heap = *new LargePages;  // must outlive the threads whose scratch memory lies there
  return heap;
}

#if defined(__unix__) || defined(__APPLE__)
// A process that is forked while another thread allocates would wait for that thread for ever.
void lock_heap() { heap().lock(); }
void unlock_heap() { heap().unlock(); }
[[maybe_unused]] const int kForkSafe = pthread_atfork(lock_heap, unlock_heap, unlock_heap);
#endif

}  // namespace

void* allocate_aligned(std::size_t bytes) { return heap().allocate(bytes); }

void free_aligned(void* memory, std::size_t bytes) noexcept { heap().free(memory, bytes); }

#endif

}  // namespace patternlite
