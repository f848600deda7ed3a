#include "engine/pack/fetch_taps.h"

#include <bit>
#include <chrono>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/graph/activation.h"
#include "engine/graph/planar.h"
#include "engine/pack/position_mask.h"
#include "engine/pack/tap_stream.h"
#include "engine/support/aligned.h"
#include "engine/support/fastest.h"

namespace patternlite {
namespace {

constexpr int kEvery = 1, kEverySecond = 2;  // kernels::ConvOs::fetch_taps

constexpr double kMostSeconds = 0.01;
// A layer at 8 times fewer weights whose input lies in the second-level cache.
constexpr int kChannels = 64, kFilters = 16, kSize = 56;

// Each group reads every fourth channel, in a pattern of four taps that changes with the channel.
PackedStream every_fourth_channel(int group_size, const PlanarLayout& input,
                                  const PlanarLayout& output) {
  const Window window{.kernel_h = 3, .kernel_w = 3, .pad_top = 1, .pad_left = 1};
  PackedStream stream;
  stream.start.push_back(0);
  for (int group = 0; group * group_size < kFilters; ++group) {
    for (int channel = group % 4; channel < kChannels; channel += 4) {
      for (int tap = 0; tap < 4; ++tap) {
        const int place = (4 + tap * (1 + channel / 4 % 2)) % 9;  // the centre, and three others
        stream.offset.push_back(tap_offset(window, input, channel * 9 + place));
      }
    }
    stream.start.push_back(static_cast<int>(stream.offset.size()));
    for (int k = 0; k < group_size; ++k) {
      stream.out_plane.push_back(static_cast<int>((group * group_size + k) * output.plane()));
    }
  }
  stream.weights.resize(stream.offset.size() * group_size, 0.5f);
  stream.bias.resize(stream.out_plane.size());
  stream.offset.resize(stream.offset.size() + kernels::kOsTapsAhead);
  return stream;
}

bool fetching_pays(const kernels::KernelTable& kernels, int group_size) {
  const PlanarLayout in{{kChannels, kSize, kSize}, 1}, out{{kFilters, kSize, kSize}, 1};
  const AlignedVector<float> input(in.elements(), 1.0f);
  AlignedVector<float> output(out.elements());
  const PackedStream stream = every_fourth_channel(group_size, in, out);
  const auto mask = position_mask(out);
  const Clamp clamp = clamp_of(Activation::kNone);
  kernels::ConvOs task{.input = input.data() + in.lead(),
                       .output = output.data() + out.lead(),
                       .stream = stream.view(),
                       .epilogue = {.residual = nullptr, .low = clamp.low, .high = clamp.high},
                       .mask = mask->data(),
                       .group_end = stream.groups(),
                       .position_end = PlanarLayout::round_up(out.positions(), 8)};
  const auto kernel = kernels.conv_os[std::countr_zero(static_cast<unsigned>(group_size))];
  const auto run = [&](int way) {
    task.fetch_taps = way == 1 ? kEverySecond : 0;
    const auto start = std::chrono::steady_clock::now();
    kernel(task);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  return fastest(2, kMostSeconds, run) == 1;
}

bool known_to_pay(const kernels::KernelTable& kernels, int group_size) {
  static std::mutex mutex;
  static std::map<std::pair<const kernels::KernelTable*, int>, bool> known;
  const std::lock_guard lock(mutex);
  const auto [found, first] = known.try_emplace({&kernels, group_size});
  if (first) found->second = fetching_pays(kernels, group_size);
  return found->second;
}

// Of a channel; taps in one row read the same lines, but for one at the end.
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

int taps_to_fetch(const PackedStream& stream, const Window& window, int group_size,
                  const kernels::KernelTable& kernels) {
  if (!known_to_pay(kernels, group_size)) return 0;
  const bool pairs = 2 * stream.start.back() >= 3 * count_rows(stream, window);
  return pairs ? kEverySecond : kEvery;
}

}  // namespace patternlite
