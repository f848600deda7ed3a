// A 64-bit hash that is the same in every process and on every machine: it names files.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace patternlite {

class Hash {
 public:
  void add(std::uint64_t word) {
    state_ = std::rotl(state_ ^ word * 0x9e3779b97f4a7c15u, 29) * 0xbf58476d1ce4e5b9u;
  }
  void add(std::string_view text) {
    add(text.size());
    for (const char c : text) add(static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
  }
  std::uint64_t value() const {
    const std::uint64_t mixed = (state_ ^ state_ >> 31) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 29;
  }

 private:
  std::uint64_t state_ = 0x2545f4914f6cdd1du;
};

}  // namespace patternlite
