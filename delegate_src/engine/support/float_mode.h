// How a thread treats denormals: floats below 2^-126.
#pragma once

#include <cstdint>

namespace patternlite {

// On some CPUs a denormal operand costs a hundred cycles. kZero treats denormals as zero and makes
// none, as XNNPACK does. Only on x86 and aarch64 does it do anything.
enum class Denormals { kKept, kZero };

// The control bits for it, which must be the same in all threads of a program.
class FloatMode {
 public:
  static FloatMode of_this_thread() { return FloatMode(read() & kFlush); }
  explicit FloatMode(Denormals denormals) : bits_(denormals == Denormals::kZero ? kFlush : 0) {}
  void set() const {
    const std::uint64_t now = read();
    if (const std::uint64_t wanted = (now & ~kFlush) | bits_; wanted != now) write(wanted);
  }

 private:
  explicit FloatMode(std::uint64_t bits) : bits_(bits) {}

#if defined(__SSE__)
  static constexpr std::uint64_t kFlush = 0x8040;  // of MXCSR: results, and operands
  static std::uint64_t read() { return __builtin_ia32_stmxcsr(); }
  static void write(std::uint64_t bits) { __builtin_ia32_ldmxcsr(static_cast<unsigned>(bits)); }
#elif defined(__aarch64__)
  static constexpr std::uint64_t kFlush = 1 << 24;  // of FPCR
  static std::uint64_t read() {
    std::uint64_t bits;
    asm volatile("mrs %0, fpcr" : "=r"(bits));
    return bits;
  }
  static void write(std::uint64_t bits) { asm volatile("msr fpcr, %0" : : "r"(bits) : "memory"); }
#else
  static constexpr std::uint64_t kFlush = 0;
  static std::uint64_t read() { return 0; }
  static void write(std::uint64_t) {}
#endif

  std::uint64_t bits_;
};

// Sets this thread's mode until the end of the block, and then restores it.
class ScopedFloatMode {
 public:
  explicit ScopedFloatMode(FloatMode mode) : before_(FloatMode::of_this_thread()) { mode.set(); }
  explicit ScopedFloatMode(Denormals denormals) : ScopedFloatMode(FloatMode(denormals)) {}
  ~ScopedFloatMode() { before_.set(); }
  ScopedFloatMode(const ScopedFloatMode&) = delete;
  ScopedFloatMode& operator=(const ScopedFloatMode&) = delete;

 private:
  FloatMode before_;
};

}  // namespace patternlite
