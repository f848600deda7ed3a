// 64-byte aligned, zero-initialised arrays for weights and activations.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace patternlite {

inline constexpr std::size_t kCacheLine = 64;

template <typename T>
struct CacheAligned {
  using value_type = T;
  CacheAligned() = default;
  template <typename U>
  CacheAligned(const CacheAligned<U>&) {}  // NOLINT: allocators convert
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{kCacheLine}));
  }
  void deallocate(T* memory, std::size_t) noexcept {
    ::operator delete(memory, std::align_val_t{kCacheLine});
  }
  bool operator==(const CacheAligned&) const = default;
};

template <typename T>
using AlignedVector = std::vector<T, CacheAligned<T>>;

}  // namespace patternlite
