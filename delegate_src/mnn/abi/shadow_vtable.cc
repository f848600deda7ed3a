#include "mnn/abi/shadow_vtable.h"

#include <algorithm>

namespace patternlite::mnn {
namespace {

void* const*& table_of(void* object) { return *static_cast<void* const**>(object); }

}  // namespace

ShadowVtable::ShadowVtable(void* object, int slots, void* owner)
    : object_(object), original_(table_of(object)) {
  words_[0] = owner;
  std::copy_n(original_ - kAbiHeader, kAbiHeader + slots, words_.begin() + 1);
}

void ShadowVtable::install() { table_of(object_) = words_.data() + kHeader; }

void ShadowVtable::restore() { table_of(object_) = original_; }

void* ShadowVtable::owner_of(const void* object) {
  return (*static_cast<void* const* const*>(object))[-kHeader];
}

}  // namespace patternlite::mnn
