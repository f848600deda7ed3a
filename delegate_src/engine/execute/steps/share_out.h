// Sharing the channels or the rows of a tensor among threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>

#include "engine/support/parallel.h"
#include "engine/support/split.h"

namespace patternlite {

// Runs body(first, last) over [0, count), a share a thread. Small tensors stay on this thread:
// waking another costs more.
template <typename Body>
void share_out(int count, std::size_t floats, Parallel& parallel, const Body& body) {
  constexpr std::size_t kFloatsPerTask = 16 * 1024;
  const int parts = static_cast<int>(
      std::clamp<std::size_t>(floats / kFloatsPerTask, 1, std::min(count, parallel.threads())));
  const auto task = [&](int part) {
    const auto [first, last] = range_of(count, parts, part);
    body(first, last);
  };
  parallel.run(parts, std::ref(task));
}

}  // namespace patternlite
