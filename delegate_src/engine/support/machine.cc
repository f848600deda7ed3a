#include "engine/support/machine.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include <cstring>
#include <fstream>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace patternlite {
namespace {

std::string read_cpu_model() {
#if defined(__x86_64__) || defined(__i386__)
  unsigned words[12] = {}, signature = 0, unused[3];
  for (unsigned i = 0; i < 3; ++i) {
    unsigned* part = words + 4 * i;
    if (!__get_cpuid(0x80000002 + i, part, part + 1, part + 2, part + 3)) return "x86";
  }
  __get_cpuid(1, &signature, unused, unused + 1, unused + 2);
  char brand[sizeof(words) + 1] = {};
  std::memcpy(brand, words, sizeof(words));
  std::string name;
  for (const char* c = brand; *c != '\0'; ++c) name += *c < ' ' ? ' ' : *c;
  return name + " (" + std::to_string(signature) + ")";
#elif defined(__aarch64__)
  std::string number;  // of the model and its revision, as Linux reports it
  std::ifstream("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1") >> number;
  return number.empty() ? "aarch64" : "aarch64 (" + number + ")";
#else
  return "other";
#endif
}

#ifdef _SC_LEVEL2_CACHE_SIZE
constexpr int kFirstLevel = _SC_LEVEL1_DCACHE_SIZE, kSecondLevel = _SC_LEVEL2_CACHE_SIZE;
long ask(int cache) { return sysconf(cache); }
#else
constexpr int kFirstLevel = 1, kSecondLevel = 2;
long ask(int) { return 0; }
#endif

std::size_t cache_bytes(int cache, std::size_t guess) {
  const long bytes = ask(cache);
  return bytes > 0 ? static_cast<std::size_t>(bytes) : guess;
}

}  // namespace

const std::string& cpu_model() {
  static const std::string model = read_cpu_model();
  return model;
}

std::size_t first_level_cache() {
  static const std::size_t bytes = cache_bytes(kFirstLevel, std::size_t{1} << 15);
  return bytes;
}

std::size_t second_level_cache() {
  static const std::size_t bytes = cache_bytes(kSecondLevel, std::size_t{1} << 20);
  return bytes;
}

}  // namespace patternlite
