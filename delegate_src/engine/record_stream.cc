#include "engine/record_stream.h"

#include <algorithm>
#include <array>
#include <map>

#include "engine/tap_stream.h"

namespace patternlite {
namespace {

using kernels::kIsChannels;

constexpr int kRecordTaps = 4;
constexpr std::array kChunks = {4, 2, 1};  // filters of a record

// A filter's weights on up to four taps of one input channel.
struct Entry {
  int filter;  // within the block
  std::array<float, kRecordTaps> weights;
};

// Slots (channel in group, tap) of a record, and the filters that use exactly those.
using EntriesBySlots = std::map<std::array<int, kRecordTaps>, std::vector<Entry>>;

class Packer {
 public:
  Packer(const Convolution& conv, const PlanarLayout& input, const PlanarLayout& output, int tile)
      : conv_(conv), filters_(output.shape.channels), tile_(tile) {
    stream_.channels = input.shape.channels;
    find_used_taps(input);
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
      for (int channel = 0; channel < stream_.channels; channel += kIsChannels) {
        const EntriesBySlots entries = collect(first, last, channel);
        for (int chunk : kChunks) write_records(entries, chunk);
      }
    }
    stream_.filter_start.push_back(filters_);
    return std::move(stream_);
  }

 private:
  float weight(int filter, int channel, int tap) const {
    const int width = conv_.window.kernel_w;
    return conv_.weights.at(filter, channel, tap / width, tap % width);
  }

  void find_used_taps(const PlanarLayout& input) {
    const int area = conv_.window.kernel_h * conv_.window.kernel_w;
    for (int tap = 0; tap < area; ++tap) {
      bool used = false;
      for (int o = 0; o < filters_ && !used; ++o) {
        for (int i = 0; i < stream_.channels && !used; ++i) used = weight(o, i, tap) != 0.0f;
      }
      if (!used) continue;
      taps_.push_back(tap);
      stream_.tap_offset.push_back(tap_offset(conv_.window, input, tap));
    }
  }

  EntriesBySlots collect(int first, int last, int first_channel) const {
    EntriesBySlots entries;
    const int last_channel = std::min(first_channel + kIsChannels, stream_.channels);
    for (int channel = first_channel; channel < last_channel; ++channel) {
      for (int filter = first; filter < last; ++filter) {
        collect_kernel(filter, filter - first, channel, entries);
      }
    }
    return entries;
  }

  // Cuts one kernel's taps into records of up to four.
  void collect_kernel(int filter, int in_block, int channel, EntriesBySlots& entries) const {
    const int taps = static_cast<int>(taps_.size());
    std::array<int, kRecordTaps> slots{};
    Entry entry{in_block, {}};
    int filled = 0;
    const auto flush = [&] {
      if (filled == 0) return;
      for (int i = filled; i < kRecordTaps; ++i) slots[i] = slots[0];
      entries[slots].push_back(entry);
      entry.weights = {};
      filled = 0;
    };
    for (int index = 0; index < taps; ++index) {
      const float value = weight(filter, channel, taps_[index]);
      if (value == 0.0f) continue;
      slots[filled] = channel % kIsChannels * taps + index;
      entry.weights[filled] = value;
      if (++filled == kRecordTaps) flush();
    }
    flush();
  }

  // Each list is cut greedily: as many records of 4 filters as fit, then of 2, then of 1.
  void write_records(const EntriesBySlots& all, int chunk) {
    int records = 0;
    for (const auto& [slots, entries] : all) {
      const int count = static_cast<int>(entries.size());
      const int begin = chunk == kChunks[0] ? 0 : count - count % (2 * chunk);
      for (int at = begin; at + chunk <= count; at += chunk, ++records) {
        for (int slot : slots) put_index(slot * tile_);
        for (int i = 0; i < chunk; ++i) put_index(entries[at + i].filter * tile_);
        for (int i = 0; i < chunk; ++i) {
          for (float value : entries[at + i].weights) put_weight(value);
        }
      }
    }
    stream_.record_count.push_back(records);
  }

  void put_index(int value) {
    kernels::IsWord word;
    word.index = value;
    stream_.words.push_back(word);
  }
  void put_weight(float value) {
    kernels::IsWord word;
    word.weight = value;
    stream_.words.push_back(word);
  }

  const Convolution& conv_;
  int filters_, tile_;
  std::vector<int> taps_;  // places in the kernel that any filter uses
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

RecordStream pack_records(const Convolution& conv, const PlanarLayout& input,
                          const PlanarLayout& output, int tile, int block_filters) {
  return Packer(conv, input, output, tile).run(std::max(block_filters, 1));
}

}  // namespace patternlite
