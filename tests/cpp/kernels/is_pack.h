// Packs sparse kernels into the words of kernels.h's IsStream, plainly.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "kernels/kernels.h"

namespace patternlite::test {

// One filter's weights on one channel: up to 4 taps (indices into the layer's tap offsets; kNoTap
// with weight 0 where there are fewer).
inline constexpr int kNoTap = -1;
struct IsKernel {
  int filter, channel;
  std::array<int, 4> tap;
  std::array<float, 4> weight;
};

// Where inputs lie that are read in place.
struct InPlace {
  std::vector<std::int32_t> tap_offset;
  std::size_t plane;
};

struct PackedIs {
  std::vector<kernels::IsWord> words;
  std::vector<std::int32_t> block_start, record_count, filter_start{0};

  PackedIs(const std::vector<IsKernel>& all, int filters, int channels, int taps, int block_filters,
           int tile, const InPlace* in_place = nullptr) {
    const int blocks = (filters + block_filters - 1) / block_filters;
    const int group_channels = in_place ? kernels::kIsChannelsInPlace : kernels::kIsChannels;
    const int groups = (channels + group_channels - 1) / group_channels;
    // Kernels by block, channel group, channel and taps.
    using Slots = std::pair<int, std::array<int, 4>>;
    std::vector<std::map<Slots, std::vector<const IsKernel*>>> lists(blocks * groups);
    for (const IsKernel& kernel : all) {
      const int at = kernel.filter / block_filters * groups + kernel.channel / group_channels;
      lists[at][{kernel.channel, kernel.tap}].push_back(&kernel);
    }
    for (int block = 0; block < blocks; ++block) {
      block_start.push_back(static_cast<std::int32_t>(words.size()));
      filter_start.push_back(std::min(filters, (block + 1) * block_filters));
      for (int group = 0; group < groups; ++group) {
        for (int size = 1; size <= kernels::kIsFilters; ++size) {
          int count = 0;
          for (const auto& [slots, list] : lists[block * groups + group]) {
            // Records of the most filters first, the rest in one more.
            for (std::size_t at = 0; at < list.size(); at += kernels::kIsFilters) {
              const auto filters_left = static_cast<int>(list.size() - at);
              if (std::min(filters_left, kernels::kIsFilters) != size) continue;
              push_record(slots.first, slots.second, &list[at], size, taps, tile,
                          block * block_filters, in_place);
              ++count;
            }
          }
          record_count.push_back(count);
        }
      }
    }
  }

 private:
  void push_record(int channel, const std::array<int, 4>& tap, const IsKernel* const* kernel,
                   int size, int taps, int tile, int first_filter, const InPlace* in_place) {
    const auto index = [&](int value) { words.push_back({.index = value}); };
    for (int t : tap) {
      if (in_place) {
        index(channel * static_cast<int>(in_place->plane) + in_place->tap_offset[t]);
        continue;
      }
      const int first = channel % kernels::kIsChannels * taps, zeros = kernels::kIsChannels * taps;
      index((t == kNoTap ? zeros : first + t) * tile);
    }
    for (int s = 0; s < size; ++s) {
      index((kernel[s]->filter - first_filter) * tile);
      for (float weight : kernel[s]->weight) words.push_back({.weight = weight});
    }
  }
};

}  // namespace patternlite::test
