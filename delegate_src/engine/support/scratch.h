// Memory of the calling thread, valid until its next call, and kept as long as the thread lives.
#pragma once

#include "engine/support/aligned.h"

namespace patternlite {

// Purpose: a type of the caller's own, so that two users never get the same memory.
template <typename Purpose>
float* scratch_of(std::size_t floats) {
  thread_local AlignedVector<float> scratch;
  if (scratch.size() < floats) {
    scratch = {};  // nothing to move, and no more than is asked for
    scratch = AlignedVector<float>(floats);
  }
  return scratch.data();
}

}  // namespace patternlite
