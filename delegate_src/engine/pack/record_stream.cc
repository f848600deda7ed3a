#include "engine/pack/record_stream.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "engine/pack/tap_stream.h"
#include "engine/support/split.h"

namespace patternlite {
namespace {

using kernels::kIsFilters;
using kernels::kIsTaps;

// A filter's weights on up to four taps of one input channel.
struct Entry {
  std::array<int, kIsTaps> slots;  // where the kernel finds its inputs
  int filter;                      // within the block
  std::array<float, kIsTaps> weights;
};

// The entries of one channel group in the order of their slots, and the runs of equal slots, each
// short enough for a record.
struct ChannelGroup {
  std::vector<Entry> entries;
  struct Run {
    int begin, end;
  };
  std::vector<Run> runs;
};

class Packer {
 public:
  Packer(const Convolution& conv, const TapSets& taps, const PlanarLayout& input,
         const PlanarLayout& output, const IsTiling& tiling)
      : conv_(conv),
        taps_(taps),
        input_(input),
        filters_(taps.filters()),
        tile_(tiling.positions),
        in_place_(tiling.in_place),
        group_channels_(in_place_ ? kernels::kIsChannelsInPlace : kernels::kIsChannels) {
    stream_.channels = input.shape.channels;
    number_used_places(input);
    for (int o = 0; o < filters_; ++o) {
      stream_.out_plane.push_back(static_cast<int32_t>(o * output.plane()));
      stream_.bias.push_back(conv.bias == nullptr ? 0.0f : conv.bias[o]);
    }
  }

  RecordStream run(int block_filters) {
    for (int first = 0; first < filters_; first += block_filters) {
      stream_.block_start.push_back(static_cast<int32_t>(stream_.words.size()));
      stream_.filter_start.push_back(first);
      const int last = std::min(first + block_filters, filters_);
      for (int channel = 0; channel < stream_.channels; channel += group_channels_) {
        const ChannelGroup group = collect(first, last, channel);
        write_records(group);
      }
    }
    stream_.filter_start.push_back(filters_);
    stream_.words.shrink_to_fit();
    return std::move(stream_);
  }

 private:
  // Kernel positions that any filter uses get consecutive numbers; the others are not gathered.
  void number_used_places(const PlanarLayout& input) {
    TapSets::Set used = taps_.empty_set();
    for (int o = 0; o < filters_; ++o) taps_.add_to(used, o);
    number_.assign(taps_.area(), -1);
    for (int place = 0; place < taps_.area(); ++place) {
      for (int i = 0; i < stream_.channels && number_[place] < 0; ++i) {
        const int tap = i * taps_.area() + place;
        if ((used[tap / 64] >> tap % 64 & 1) == 0) continue;
        number_[place] = static_cast<int>(stream_.tap_offset.size());
        stream_.tap_offset.push_back(tap_offset(conv_.window, input, place));
      }
    }
  }

  ChannelGroup collect(int first, int last, int first_channel) const {
    ChannelGroup group;
    const int last_channel = std::min(first_channel + group_channels_, stream_.channels);
    for (int channel = first_channel; channel < last_channel; ++channel) {
      for (int filter = first; filter < last; ++filter) {
        collect_kernel(filter, filter - first, channel, group.entries);
      }
    }
    std::stable_sort(group.entries.begin(), group.entries.end(),
                     [](const Entry& a, const Entry& b) { return a.slots < b.slots; });
    const int count = static_cast<int>(group.entries.size());
    for (int begin = 0, end = 0; begin < count; begin = end) {
      while (end < count && group.entries[end].slots == group.entries[begin].slots) ++end;
      // Into as few records as hold them, of about equal lengths.
      const int records = (end - begin + kIsFilters - 1) / kIsFilters;
      for (int record = 0; record < records; ++record) {
        const auto [from, to] = range_of(end - begin, records, record);
        group.runs.push_back({begin + from, begin + to});
      }
    }
    return group;
  }

  // Cuts one kernel's taps into records of four. If some are missing, the last record has zeros in
  // their place or, in place, its own taps again, with their weights divided among them.
  void collect_kernel(int filter, int in_block, int channel, std::vector<Entry>& entries) const {
    int filled = 0;
    for (int place = 0; place < taps_.area(); ++place) {
      if (!taps_.has(filter, channel * taps_.area() + place)) continue;
      const int input = in_place_ ? static_cast<int>(channel * input_.plane()) +
                                        stream_.tap_offset[number_[place]]
                                  : slot(channel % group_channels_, number_[place]);
      if (filled % kIsTaps == 0) {
        const int zeros = slot(group_channels_, 0);  // the slot behind all others
        entries.push_back({{zeros, zeros, zeros, zeros}, in_block, {}});
      }
      Entry& entry = entries.back();
      entry.slots[filled % kIsTaps] = input;
      entry.weights[filled % kIsTaps] = conv_.weights.at(
          filter, channel, place / conv_.window.kernel_w, place % conv_.window.kernel_w);
      ++filled;
    }
    if (in_place_ && filled % kIsTaps != 0) repeat_taps(entries.back(), filled % kIsTaps);
  }

  // Repeats the first `count` taps. Zeros would not do here: no input may be multiplied by 0 that a
  // dense convolution does not read.
  static void repeat_taps(Entry& entry, int count) {
    for (int t = 0; t < count; ++t) entry.weights[t] /= (kIsTaps - 1 - t) / count + 1;
    for (int t = count; t < kIsTaps; ++t) {
      entry.slots[t] = entry.slots[t % count];
      entry.weights[t] = entry.weights[t % count];
    }
  }

  // The slot of a gathered input.
  int slot(int channel_in_group, int tap) const {
    return (channel_in_group * static_cast<int>(stream_.tap_offset.size()) + tap) * tile_;
  }

  void write_records(const ChannelGroup& group) {
    for (int filters = 1; filters <= kIsFilters; ++filters) {
      int records = 0;
      for (const auto [begin, end] : group.runs) {
        if (end - begin != filters) continue;
        write_record({group.entries.begin() + begin, group.entries.begin() + end});
        ++records;
      }
      stream_.record_count.push_back(records);
    }
  }

  void write_record(std::span<const Entry> entries) {
    for (int slot : entries.front().slots) stream_.words.push_back({.index = slot});
    for (const Entry& entry : entries) {
      stream_.words.push_back({.index = entry.filter * tile_});
      for (float weight : entry.weights) stream_.words.push_back({.weight = weight});
    }
  }

  const Convolution& conv_;
  const TapSets& taps_;
  const PlanarLayout& input_;
  int filters_, tile_;
  bool in_place_;
  int group_channels_;
  std::vector<int> number_;  // of each kernel position; -1: no filter uses it
  RecordStream stream_;
};

}  // namespace

int RecordStream::largest_block() const {
  int largest = 0;
  for (int block = 0; block < blocks(); ++block) {
    largest = std::max(largest, filter_start[block + 1] - filter_start[block]);
  }
  return largest;
}

std::size_t RecordStream::bytes() const {
  return words.size() * sizeof(kernels::IsWord) +
         (tap_offset.size() + block_start.size() + record_count.size() + filter_start.size() +
          out_plane.size()) *
             sizeof(int32_t) +
         bias.size() * sizeof(float);
}

kernels::IsStream RecordStream::view(const PlanarLayout& input) const {
  return {.channels = channels,
          .input_plane = input.plane(),
          .taps = static_cast<int>(tap_offset.size()),
          .tap_offset = tap_offset.data(),
          .words = words.data(),
          .block_start = block_start.data(),
          .record_count = record_count.data(),
          .filter_start = filter_start.data(),
          .bias = bias.data(),
          .out_plane = out_plane.data()};
}

RecordStream pack_records(const Convolution& conv, const TapSets& taps, const PlanarLayout& input,
                          const PlanarLayout& output, const IsTiling& tiling) {
  return Packer(conv, taps, input, output, tiling).run(std::max(tiling.block_filters, 1));
}

}  // namespace patternlite
