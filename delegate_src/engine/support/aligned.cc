#include "engine/support/aligned.h"

#include <new>

#include "engine/support/large_pages.h"

namespace patternlite {

#ifdef __SANITIZE_ADDRESS__

// Each block alone, with the sanitizer's red zones around it.
void* allocate_aligned(std::size_t bytes) {
  return ::operator new(bytes, std::align_val_t{kCacheLine});
}

void free_aligned(void* memory, std::size_t) noexcept {
  ::operator delete(memory, std::align_val_t{kCacheLine});
}

#else

namespace {

LargePages& heap() {
  static auto& heap = *new LargePages;  // outlives the threads whose scratch memory lies there
  return heap;
}

}  // namespace

void* allocate_aligned(std::size_t bytes) { return heap().allocate(bytes); }

void free_aligned(void* memory, std::size_t bytes) noexcept { heap().free(memory, bytes); }

#endif

}  // namespace patternlite
