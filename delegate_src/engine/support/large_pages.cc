#include "engine/support/large_pages.h"

#include <functional>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "engine/support/aligned.h"

namespace patternlite {
namespace {

// Blocks, and the headers of chunks and free ranges, begin at cache lines.
constexpr std::size_t kLine = kCacheLine;

std::size_t round_up(std::size_t bytes, std::size_t multiple) {
  return (bytes + multiple - 1) / multiple * multiple;
}

std::size_t lines(std::size_t bytes) { return round_up(bytes == 0 ? 1 : bytes, kLine); }

std::byte* at(void* memory, std::size_t bytes) { return static_cast<std::byte*>(memory) + bytes; }

bool before(const void* a, const void* b) { return std::less<>()(a, b); }

void* new_pages(std::size_t bytes) {
  void* pages = ::operator new(bytes, std::align_val_t{LargePages::kPage});
#ifdef __linux__
  madvise(pages, bytes, MADV_HUGEPAGE);  // advice: if the system ignores it, nothing is lost
#endif
  return pages;
}

}  // namespace

void* LargePages::allocate(std::size_t bytes) {
  bytes = lines(bytes);
  const std::lock_guard lock(mutex_);
  for (Chunk* chunk = chunks_; chunk != nullptr; chunk = chunk->next) {
    if (void* memory = take(*chunk, bytes)) return memory;
  }
  const std::size_t pages = round_up(bytes + kLine, kPage);
  chunks_ = new (new_pages(pages)) Chunk{pages, nullptr, chunks_};
  give(*chunks_, at(chunks_, kLine), pages - kLine);
  return take(*chunks_, bytes);
}

void LargePages::free(void* memory, std::size_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  Chunk** link = &chunks_;
  while (before(memory, *link) || !before(memory, at(*link, (*link)->bytes))) {
    link = &(*link)->next;
  }
  Chunk* const chunk = *link;
  give(*chunk, memory, lines(bytes));
  if (chunk->free->bytes + kLine < chunk->bytes) return;
  *link = chunk->next;
  ::operator delete(chunk, std::align_val_t{kPage});
}

std::size_t LargePages::bytes_held() const {
  const std::lock_guard lock(mutex_);
  std::size_t bytes = 0;
  for (const Chunk* chunk = chunks_; chunk != nullptr; chunk = chunk->next) bytes += chunk->bytes;
  return bytes;
}

// Takes memory from the first range that is large enough; null if none is.
void* LargePages::take(Chunk& chunk, std::size_t bytes) {
  for (Range** link = &chunk.free; *link != nullptr; link = &(*link)->next) {
    Range* const range = *link;
    if (range->bytes < bytes) continue;
    const Range rest{range->bytes - bytes, range->next};
    *link = rest.bytes > 0 ? new (at(range, bytes)) Range(rest) : rest.next;
    return range;
  }
  return nullptr;
}

// Gives memory back, joining it with adjacent free ranges.
void LargePages::give(Chunk& chunk, void* memory, std::size_t bytes) {
  Range** link = &chunk.free;
  Range* previous = nullptr;
  while (*link != nullptr && before(*link, memory)) {
    previous = *link;
    link = &previous->next;
  }
  Range* next = *link;
  if (next != nullptr && at(memory, bytes) == at(next, 0)) {
    bytes += next->bytes;
    next = next->next;
  }
  if (previous != nullptr && at(previous, previous->bytes) == at(memory, 0)) {
    *previous = {previous->bytes + bytes, next};
  } else {
    *link = new (memory) Range{bytes, next};
  }
}

}  // namespace patternlite
