// Divides a loop over much data among threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>

#include "engine/support/parallel.h"
#include "engine/support/split.h"

namespace patternlite {

struct Cut {
  int per_thread = 1;  // most shares per thread: more than 1 if some may take longer than others
  int unit = 1;        // shares begin at multiples of it
};

// Runs body(first, last) over [0, count), one share after another on each thread. floats: how many
// are read or written in all. Small loops stay on this thread, since waking another costs more.
template <typename Body>
void share_out(int count, std::size_t floats, Parallel& parallel, const Body& body,
               const Cut& cut = {}) {
  if (count == 0) return;
  constexpr std::size_t kFloatsPerTask = 4 * 1024;
  const int threads = parallel.threads(), most = threads == 1 ? 1 : cut.per_thread * threads;
  const int parts =
      static_cast<int>(std::clamp<std::size_t>(floats / kFloatsPerTask, 1, std::min(count, most)));
  const auto task = [&](int part) {
    const auto [first, last] = range_of(count, parts, part, cut.unit);
    body(first, last);
  };
  parallel.run(parts, std::ref(task));
}

// Runs body(channel, first row, last row) over planes of `height` rows, divided between channels
// or, if these are too few, between rows.
template <typename Body>
void share_planes(int channels, int height, std::size_t floats, Parallel& parallel,
                  const Body& body) {
  if (cut_rows_of_few(channels, height, parallel.threads())) {
    share_out(height, floats, parallel, [&](int first, int last) {
      for (int c = 0; c < channels; ++c) body(c, first, last);
    });
    return;
  }
  share_out(channels, floats, parallel, [&](int first, int last) {
    for (int c = first; c < last; ++c) body(c, 0, height);
  });
}

}  // namespace patternlite
