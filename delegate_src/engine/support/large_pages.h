// A heap of blocks side by side on large pages.
#pragma once

#include <cstddef>
#include <mutex>

namespace patternlite {

// For what every run of a program reads and writes. On large pages it is found without page walks,
// and is spread over the caches' sets as evenly as its addresses are; small pages lie wherever the
// system had some left. Thread-safe.
class LargePages {
 public:
  static constexpr std::size_t kPage = 2 << 20;

  // Aligned to cache lines. Throws std::bad_alloc.
  void* allocate(std::size_t bytes);
  // bytes: as given to allocate().
  void free(void* memory, std::size_t bytes) noexcept;
  // Between these two, other threads wait and nothing is half done.
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }
  // Bytes taken from the system; 0 when everything that was allocated has been freed.
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
