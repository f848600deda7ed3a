// Blocks of any size side by side on large pages.
#pragma once

#include <cstddef>
#include <mutex>

namespace patternlite {

// A heap for what every run of a program reads and writes. On large pages that is found without
// page walks, and lies in the caches' sets as evenly as its addresses do; on small ones it lies
// wherever the system had some left. Thread-safe.
class LargePages {
 public:
  static constexpr std::size_t kPage = 2 << 20;

  // Aligned to cache lines. Throws std::bad_alloc.
  void* allocate(std::size_t bytes);
  // bytes: as they were asked for.
  void free(void* memory, std::size_t bytes) noexcept;
  // All but this thread wait meanwhile, and nothing is half done.
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }
  // From the system; 0 when all that was allocated is free again.
  std::size_t bytes_held() const;

 private:
  struct Range {  // that is free; written where it is
    std::size_t bytes;
    Range* next;  // in the order of addresses, never adjacent
  };
  struct Chunk {  // whole pages; written at their start
    std::size_t bytes;
    Range* free;
    Chunk* next;
  };

  static void* take(Chunk& chunk, std::size_t bytes);
  static void give(Chunk& chunk, void* memory, std::size_t bytes);

  mutable std::mutex mutex_;
  Chunk* chunks_ = nullptr;
};

}  // namespace patternlite
