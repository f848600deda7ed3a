// Exceptions end where MNN's code begins.
#pragma once

#include <cstdio>
#include <exception>
#include <new>

#include "mnn/abi.h"

namespace patternlite::mnn {

// Calls work(); what it throws becomes the code that MNN gives back to its user.
template <typename Work>
abi::ErrorCode guarded(const Work& work) {
  try {
    work();
    return abi::kNoError;
  } catch (const std::bad_alloc&) {  // MNN's user reads only that the session has no sizes
    std::fputs("patternlite: out of memory\n", stderr);
    return abi::kOutOfMemory;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "patternlite: %s\n", error.what());
    return abi::kNotSupport;
  }
}

}  // namespace patternlite::mnn
