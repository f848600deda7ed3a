#include "engine/pack/tap_stream.h"

namespace patternlite {

int tap_offset(const Window& window, const PlanarLayout& input, int tap) {
  const int area = window.kernel_h * window.kernel_w;
  const int channel = tap / area, y = tap % area / window.kernel_w, x = tap % window.kernel_w;
  return static_cast<int>(channel * input.plane()) +
         (y * window.dilation_h - window.pad_top) * input.pitch() + x * window.dilation_w -
         window.pad_left;
}

std::size_t PackedStream::bytes() const {
  return (start.size() + offset.size() + out_plane.size()) * sizeof(int32_t) +
         (weights.size() + bias.size()) * sizeof(float);
}

kernels::TapStream PackedStream::view() const {
  return {start.data(), offset.data(), weights.data(), bias.data(), out_plane.data()};
}

PackedStream pack_stream(const Convolution& conv, const TapSets& taps,
                         const std::vector<std::vector<int>>& groups, int size,
                         const TapOffset& offset_of, const PlanarLayout& output) {
  const int area = conv.window.kernel_h * conv.window.kernel_w;
  std::vector<std::vector<int>> taps_of_groups;
  std::size_t count = kernels::kOsTapsAhead;  // which the OS kernel reads behind the last
  for (const auto& group : groups) {
    count += taps_of_groups.emplace_back(taps.taps_of(group)).size();
  }
  PackedStream packed;
  packed.offset.reserve(count);
  packed.weights.reserve(count * size);
  packed.start.push_back(0);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::vector<int>& group = groups[i];
    for (int tap : taps_of_groups[i]) {
      packed.offset.push_back(offset_of(group.front(), tap));
      const int place = tap % area;
      for (int k = 0; k < size; ++k) {
        const bool present = k < static_cast<int>(group.size());
        packed.weights.push_back(present ? conv.weights.at(group[k], tap / area,
                                                           place / conv.window.kernel_w,
                                                           place % conv.window.kernel_w)
                                         : 0.0f);
      }
    }
    packed.start.push_back(static_cast<int32_t>(packed.offset.size()));
    for (int k = 0; k < size; ++k) {
      const bool present = k < static_cast<int>(group.size());
      packed.out_plane.push_back(present ? static_cast<int32_t>(group[k] * output.plane()) : -1);
      packed.bias.push_back(present && conv.bias != nullptr ? conv.bias[group[k]] : 0.0f);
    }
  }
  return packed;
}

PackedStream pack_stream(const Convolution& conv, const TapSets& taps,
                         const std::vector<std::vector<int>>& groups, int size,
                         const PlanarLayout& input, const PlanarLayout& output) {
  const auto offset_of = [&](int filter, int tap) {
    const auto plane = conv.depthwise ? static_cast<int>(filter * input.plane()) : 0;
    return plane + tap_offset(conv.window, input, tap);
  };
  return pack_stream(conv, taps, groups, size, offset_of, output);
}

}  // namespace patternlite
