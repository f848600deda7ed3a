// 64-byte aligned, zero-initialised arrays for weights and activations.
#pragma once

#include <cstddef>
#include <vector>

namespace patternlite {

inline constexpr std::size_t kCacheLine = 64;

// Aligned to cache lines, on large pages where the system has them (large_pages.h).
void* allocate_aligned(std::size_t bytes);
void free_aligned(void* memory, std::size_t bytes) noexcept;

template <typename T>
struct CacheAligned {
  using value_type = T;
  CacheAligned() = default;
  template <typename U>
  CacheAligned(const CacheAligned<U>&) {}  // NOLINT: allocators convert
  T* allocate(std::size_t count) { return static_cast<T*>(allocate_aligned(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept {
    free_aligned(memory, count * sizeof(T));
  }
  bool operator==(const CacheAligned&) const = default;
};

template <typename T>
using AlignedVector = std::vector<T, CacheAligned<T>>;

}  // namespace patternlite
