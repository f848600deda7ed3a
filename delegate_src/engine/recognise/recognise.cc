#include "engine/recognise/recognise.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <unordered_set>
#include <vector>

#include "engine/support/is_zero.h"
#include "engine/support/popcount.h"

namespace patternlite {
namespace {

// With fewer zeros, skipping them cannot outweigh the cost of indexed weights.
constexpr double kLeastSparsity = 0.4;

// The largest group size for which every filter has its group's taps exactly.
int largest_shared_group(const TapSets& taps) {
  std::map<std::vector<std::uint64_t>, int> filters_by_taps;
  for (int filter = 0; filter < taps.filters(); ++filter) {
    const auto bits = taps.bits(filter);
    ++filters_by_taps[{bits.begin(), bits.end()}];
  }
  for (int group : {16, 4, 2}) {
    const bool all = std::all_of(filters_by_taps.begin(), filters_by_taps.end(),
                                 [group](const auto& entry) { return entry.second % group == 0; });
    if (all) return group;
  }
  return 1;
}

// Adds up what `count` weights, `stride` apart, contribute. Written such that compilers vectorise
// it.
void count_weights(const float* weights, std::ptrdiff_t stride, int count, Sparsity& found) {
  constexpr std::uint32_t kExponent = 0x7f800000;
  int nonzero = 0, special = 0;
  const auto look = [&](float weight) {
    nonzero += !is_zero(weight);
    special |= (std::bit_cast<std::uint32_t>(weight) & kExponent) == kExponent;
  };
  if (stride == 1) {
    for (int i = 0; i < count; ++i) look(weights[i]);
  } else {
    for (int i = 0; i < count; ++i) look(weights[i * stride]);
  }
  found.nonzero += nonzero;
  found.finite &= special == 0;
}

Sparsity recognise_fully_connected(const Convolution& conv, const Shape& input, int units) {
  const WeightsView& w = conv.weights;
  Sparsity found{.fully_connected = true};
  for (int o = 0; o < units; ++o) {
    for (int y = 0; y < input.height; ++y) {
      for (int x = 0; x < input.width; ++x) {
        count_weights(w.data + o * w.filter_stride + y * w.row_stride + x * w.column_stride,
                      w.channel_stride, input.channels, found);
      }
    }
  }
  found.density = found.nonzero / (static_cast<double>(units) * input.elements());
  found.kernels_kept = found.record_density = found.density;
  return found;
}

// `count` bits from bit `at` on, count <= 64.
std::uint64_t bits_at(std::span<const std::uint64_t> words, int at, int count) {
  const int word = at / 64, shift = at % 64;
  std::uint64_t bits = words[word] >> shift;
  if (shift + count > 64) bits |= words[word + 1] << (64 - shift);
  return count == 64 ? bits : bits & ((std::uint64_t{1} << count) - 1);
}

// Counts distinct patterns. Most kernels have one of a few, each of which is remembered in a slot.
class PatternSet {
 public:
  void add(std::uint64_t pattern) {
    std::uint64_t& slot = recent_[pattern * 0x9e3779b97f4a7c15u >> 56];
    if (slot == pattern || count() == kMostPatterns) return;
    slot = pattern;
    all_.insert(pattern);
  }
  int count() const { return static_cast<int>(all_.size()); }

 private:
  std::array<std::uint64_t, 256> recent_{};  // no pattern is empty
  std::unordered_set<std::uint64_t> all_;
};

struct Counts {
  std::size_t nonzero = 0, kernels = 0, in_records = 0;
  int most = 0;
  PatternSet patterns;
};

PL_WITH_POPCNT void count_kernels(const TapSets& taps, Counts& counts) {
  const int area = taps.area();
  for (int o = 0; o < taps.filters(); ++o) {
    for (int i = 0; i < taps.channels(); ++i) {
      int left = 0;
      std::uint64_t pattern = 0;  // a hash, if kernels are wider than a word
      for (int bit = 0; bit < area; bit += 64) {
        const std::uint64_t part = bits_at(taps.bits(o), i * area + bit, std::min(area - bit, 64));
        left += std::popcount(part);
        pattern = pattern * 0xff51afd7ed558ccdu ^ part;
      }
      if (left == 0) continue;
      ++counts.kernels;
      counts.nonzero += left;
      counts.in_records += (left + 3) / 4 * 4;
      counts.most = std::max(counts.most, left);
      counts.patterns.add(pattern);
    }
  }
}

}  // namespace

Sparsity recognise(const TapSets& taps) {
  Counts counts;
  count_kernels(taps, counts);
  const double all_kernels = static_cast<double>(taps.filters()) * taps.channels();
  return {.nonzero = counts.nonzero,
          .density = counts.nonzero / (all_kernels * taps.area()),
          .kernels_kept = counts.kernels / all_kernels,
          .record_density = counts.in_records / (all_kernels * taps.area()),
          .patterns = counts.patterns.count(),
          .max_taps = counts.most,
          .shared_group = largest_shared_group(taps),
          .finite = taps.finite()};
}

Analysis::Analysis(const Convolution& conv, const Shape& input, const Shape& output)
    : taps(conv, is_fully_connected(conv, input, output) ? 0 : output.channels,
           conv.depthwise ? 1 : input.channels),
      sparsity(taps.filters() == 0 ? recognise_fully_connected(conv, input, output.channels)
                                   : recognise(taps)) {}

Outcome outcome_of(const Sparsity& sparsity) {
  if (!sparsity.finite) return Outcome::kDeclined;
  return sparsity.density > 1 - kLeastSparsity ? Outcome::kDense : Outcome::kSparse;
}

std::string reason_of(const Sparsity& sparsity, const Window& window) {
  switch (outcome_of(sparsity)) {
    case Outcome::kDeclined:
      return "declined:non-finite-weights";
    case Outcome::kDense:
      return "dense:too-few-zeros";
    case Outcome::kSparse:
      break;
  }
  if (sparsity.fully_connected) return "sparse-fc";
  if (window.kernel_h == 1 && window.kernel_w == 1) return "sparse-1x1";
  if (window.kernel_h == 3 && window.kernel_w == 3 && sparsity.max_taps <= 4) return "pattern";
  return "sparse-kxk";
}

}  // namespace patternlite
