// Turns exceptions into error codes where our code returns to MNN's.
#pragma once

#include <cstdio>
#include <exception>
#include <new>

#include "mnn/abi/abi.h"

namespace patternlite::mnn {

// MNN tells its user only that the session has no sizes, or nothing at all.
inline void tell_refusal(const char* why) {
  std::fprintf(stderr, "patternlite: %s; create the session with backend \"CPU\" for this size\n",
               why);
}

// Calls work(); an exception becomes the code that MNN returns to its user.
template <typename Work>
abi::ErrorCode guarded(const Work& work) {
  try {
    work();
    return abi::kNoError;
  } catch (const std::bad_alloc&) {
    tell_refusal("out of memory");
    return abi::kOutOfMemory;
  } catch (const std::exception& error) {
    tell_refusal(error.what());
    return abi::kNotSupport;
  }
}

}  // namespace patternlite::mnn
