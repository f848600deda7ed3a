#include "engine/recognise/tap_sets.h"

#include <bit>
#include <numeric>

#include "engine/support/popcount.h"

namespace patternlite {
namespace {

PL_WITH_POPCNT int count_missing(const std::uint64_t* own, const std::uint64_t* set, int words) {
  int missing = 0;
  for (int word = 0; word < words; ++word) missing += std::popcount(own[word] & ~set[word]);
  return missing;
}

PL_WITH_POPCNT int count_all(const std::uint64_t* set, int words) {
  int count = 0;
  for (int word = 0; word < words; ++word) count += std::popcount(set[word]);
  return count;
}

}  // namespace

TapSets::TapSets(const Convolution& conv, int filters, int channels)
    : filters_(filters),
      channels_(channels),
      area_(conv.window.kernel_h * conv.window.kernel_w),
      words_((channels * area_ + 63) / 64),
      group_filters_(conv.weights.group_filters),
      bits_(static_cast<std::size_t>(filters) * words_),
      counts_(filters) {
  const WeightsView& weights = conv.weights;
  std::vector<std::ptrdiff_t> place;
  for (int y = 0; y < conv.window.kernel_h; ++y) {
    for (int x = 0; x < conv.window.kernel_w; ++x) {
      place.push_back(y * weights.row_stride + x * weights.column_stride);
    }
  }
  // Works on the floats' bits and without branches, since it visits every weight of a model.
  constexpr std::uint32_t kMagnitude = 0x7fffffff, kInfinity = 0x7f800000;
  std::uint32_t odd = 0;  // any NaN or Inf
  for (int o = 0; o < filters; ++o) {
    std::uint64_t* row = bits_.data() + static_cast<std::size_t>(o) * words_;
    std::uint64_t word = 0;
    int filled = 0;
    for (int i = 0; i < channels; ++i) {
      const float* kernel = weights.kernel(o, i);
      for (const std::ptrdiff_t at : place) {
        const float weight = kernel ? kernel[at] : 0;
        const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(weight) & kMagnitude;
        odd |= magnitude >= kInfinity;
        word |= static_cast<std::uint64_t>(magnitude != 0) << filled;
        if (++filled < 64) continue;
        *row++ = word;
        word = 0;
        filled = 0;
      }
    }
    if (filled > 0) *row = word;
    counts_[o] = count_all(bits(o).data(), words_);
  }
  finite_ = odd == 0;
}

double TapSets::total() const { return std::accumulate(counts_.begin(), counts_.end(), 0.0); }

void TapSets::add_to(Set& set, int filter) const {
  const std::span<const std::uint64_t> own = bits(filter);
  for (int word = 0; word < words_; ++word) set[word] |= own[word];
}

int TapSets::added_by(int filter, const Set& set) const {
  return count_missing(bits(filter).data(), set.data(), words_);
}

std::vector<int> TapSets::taps_of(const std::vector<int>& filters) const {
  Set set = empty_set();
  for (int filter : filters) add_to(set, filter);
  std::vector<int> taps;
  for (int word = 0; word < words_; ++word) {
    for (std::uint64_t rest = set[word]; rest != 0; rest &= rest - 1) {
      taps.push_back(word * 64 + std::countr_zero(rest));
    }
  }
  return taps;
}

}  // namespace patternlite
