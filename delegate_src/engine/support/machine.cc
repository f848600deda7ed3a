#include "engine/support/machine.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include <cstring>

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
  return "aarch64";
#else
  return "other";
#endif
}

}  // namespace

const std::string& cpu_model() {
  static const std::string model = read_cpu_model();
  return model;
}

std::size_t first_level_cache() {
#ifdef _SC_LEVEL1_DCACHE_SIZE
  static const long bytes = sysconf(_SC_LEVEL1_DCACHE_SIZE);
  if (bytes > 0) return static_cast<std::size_t>(bytes);
#endif
  return std::size_t{1} << 15;
}

std::size_t second_level_cache() {
#ifdef _SC_LEVEL2_CACHE_SIZE
  static const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (bytes > 0) return static_cast<std::size_t>(bytes);
#endif
  return std::size_t{1} << 20;
}

}  // namespace patternlite
