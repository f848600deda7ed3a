// A virtual table of its own for a single object of MNN's.
//
// MNN casts its backends down to its own classes, so a backend of ours that merely forwards calls
// would break it. Instead the genuine object gets a copy of its class's table in which a few
// functions are ours: it keeps its type, and only objects that we created are affected.
#pragma once

#include <array>

namespace patternlite::mnn {

class ShadowVtable {
 public:
  static constexpr int kMostSlots = 17;

  // Copies the table of `object`; install() makes the object use the copy. owner_of() returns
  // `owner`. The object must not outlive this copy while that is installed.
  ShadowVtable(void* object, int slots, void* owner);
  ShadowVtable(const ShadowVtable&) = delete;
  ShadowVtable& operator=(const ShadowVtable&) = delete;

  template <typename Function>
  void replace(int slot, Function function) {
    words_[kHeader + slot] = reinterpret_cast<void*>(function);
  }
  void install();
  void restore();

  template <typename Function>
  Function original(int slot) const {
    return reinterpret_cast<Function>(original_[slot]);
  }

  // The owner of the installed copy; `object` must have one.
  static void* owner_of(const void* object);

 private:
  // Ahead of the slots: the owner, then what the ABI puts there (offset to top, type information).
  static constexpr int kAbiHeader = 2, kHeader = kAbiHeader + 1;

  void* object_;
  void* const* original_;
  std::array<void*, kHeader + kMostSlots> words_{};
};

}  // namespace patternlite::mnn
