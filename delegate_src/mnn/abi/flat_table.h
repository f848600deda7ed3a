// Reads flatbuffers without their schema: what an operator of an .mnn file is made of.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "mnn/abi/abi.h"

namespace patternlite::mnn {

// A table: fields are named by their place in the table's vtable (4, 6, 8, ...).
class FlatTable {
 public:
  explicit FlatTable(const void* address) : address_(static_cast<const char*>(address)) {}
  explicit operator bool() const { return address_ != nullptr; }

  template <typename T>
  T scalar(int id, T otherwise) const {
    const char* field = find(id);
    return field ? load<T>(field) : otherwise;
  }
  FlatTable table(int id) const { return FlatTable(follow(id)); }
  std::vector<FlatTable> tables(int id) const {
    const char* data = follow(id);
    std::vector<FlatTable> tables;
    for (std::uint32_t i = 0; data && i < load<std::uint32_t>(data); ++i) {
      const char* entry = data + sizeof(std::uint32_t) * (1 + i);
      tables.emplace_back(entry + load<std::uint32_t>(entry));
    }
    return tables;
  }
  template <typename T>
  std::vector<T> vector(int id) const {
    const char* data = follow(id);
    if (!data) return {};
    std::vector<T> values(load<std::uint32_t>(data));
    if (!values.empty()) {
      std::memcpy(values.data(), data + sizeof(std::uint32_t), values.size() * sizeof(T));
    }
    return values;
  }
  std::string string(int id) const {
    const char* data = follow(id);
    return data ? std::string(data + sizeof(std::uint32_t), load<std::uint32_t>(data)) : "";
  }

 private:
  template <typename T>
  static T load(const char* from) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    return value;
  }
  const char* find(int id) const {
    const char* vtable = address_ - load<std::int32_t>(address_);
    if (id >= load<std::uint16_t>(vtable)) return nullptr;
    const auto offset = load<std::uint16_t>(vtable + id);
    return offset ? address_ + offset : nullptr;
  }
  const char* follow(int id) const {
    const char* field = find(id);
    return field ? field + load<std::uint32_t>(field) : nullptr;
  }

  const char* address_;
};

// The `main` part of an operator if it is of that kind.
inline FlatTable main_of(const FlatTable& op, std::uint8_t kind) {
  constexpr int kMainType = 6, kMain = 8;
  return op.scalar<std::uint8_t>(kMainType, 0) == kind ? op.table(kMain) : FlatTable(nullptr);
}
inline FlatTable main_of(const abi::Op* op, std::uint8_t kind) {
  return main_of(FlatTable(op), kind);
}

}  // namespace patternlite::mnn
