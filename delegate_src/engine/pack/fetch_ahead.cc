#include "engine/pack/fetch_ahead.h"

#include <algorithm>

#include "engine/pack/tap_stream.h"

namespace patternlite {
namespace {

constexpr std::size_t kCachedBytes = 1 << 20;

}  // namespace

kernels::FetchAhead fetch_ahead(const Window& window, const PlanarLayout& input,
                                const PlanarLayout& output) {
  if ((input.elements() + output.elements()) * sizeof(float) <= kCachedBytes) return {};
  const int last_tap = window.kernel_h * window.kernel_w - 1;
  return {.channels = input.shape.channels,
          .plane = input.plane(),
          .reach = std::max(0, tap_offset(window, input, last_tap))};
}

}  // namespace patternlite
