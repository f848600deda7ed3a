#include "engine/pack/fetch_taps.h"

namespace patternlite {
namespace {

constexpr int kEvery = 1, kEverySecond = 2;  // kernels::ConvOs::fetch_taps

// In a channel; taps in one row read the same cache lines, except one at the end.
int count_rows(const PackedStream& stream, const Window& window) {
  const int reach = window.kernel_w * window.dilation_w;
  int rows = 0;
  for (int group = 0; group < stream.groups(); ++group) {
    for (int tap = stream.start[group]; tap < stream.start[group + 1]; ++tap) {
      rows += tap == stream.start[group] || stream.offset[tap] - stream.offset[tap - 1] >= reach;
    }
  }
  return rows;
}

}  // namespace

int taps_to_fetch(const PackedStream& stream, const Window& window) {
  const bool pairs = 2 * stream.start.back() >= 3 * count_rows(stream, window);
  return pairs ? kEverySecond : kEvery;
}

}  // namespace patternlite
