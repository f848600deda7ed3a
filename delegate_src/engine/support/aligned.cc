#include "engine/support/aligned.h"

#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace patternlite {
namespace {

constexpr std::size_t kLargePage = 2 << 20;

std::align_val_t alignment_of(std::size_t bytes) {
  return std::align_val_t{bytes < kLargePage ? kCacheLine : kLargePage};
}

}  // namespace

void* allocate_aligned(std::size_t bytes) {
  void* memory = ::operator new(bytes, alignment_of(bytes));
#ifdef __linux__
  // Advice: where it is not taken, nothing is lost.
  if (bytes >= kLargePage) madvise(memory, bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
  return memory;
}

void free_aligned(void* memory, std::size_t bytes) noexcept {
  ::operator delete(memory, alignment_of(bytes));
}

}  // namespace patternlite
