// Floats between two unreadable pages: any access outside them crashes the test.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <limits>
#include <stdexcept>

namespace patternlite::test {

// Which end of the buffer touches its guard page exactly (the other is up to a page away).
enum class Flush { kFront, kBack };

class GuardedBuffer {
 public:
  GuardedBuffer(std::size_t floats, Flush flush, float fill = 0) : size_(floats) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = (floats * sizeof(float) + page - 1) / page * page;
    mapped_ = bytes + 2 * page;
    map_ =
        static_cast<char*>(mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (map_ == MAP_FAILED || mprotect(map_ + page, bytes, PROT_READ | PROT_WRITE)) {
      throw std::runtime_error("GuardedBuffer: mmap failed");
    }
    char* first = map_ + page;
    if (flush == Flush::kBack) first += bytes - floats * sizeof(float);
    data_ = reinterpret_cast<float*>(first);
    for (std::size_t i = 0; i < floats; ++i) data_[i] = fill;
  }
  ~GuardedBuffer() { munmap(map_, mapped_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  float* data() { return data_; }
  const float* data() const { return data_; }
  std::size_t size() const { return size_; }
  float& operator[](std::size_t i) { return data_[i]; }
  float operator[](std::size_t i) const { return data_[i]; }

 private:
  std::size_t size_, mapped_;
  char* map_;
  float* data_;
};

inline constexpr float kPoison = std::numeric_limits<float>::quiet_NaN();

}  // namespace patternlite::test
