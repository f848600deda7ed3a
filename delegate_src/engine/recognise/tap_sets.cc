#include "engine/recognise/tap_sets.h"

#include <bit>
#include <numeric>

// Counting bits is most of the work of grouping, and the x86-64 baseline has no instruction for it.
#if defined(__x86_64__) && defined(__ELF__) && !defined(__SANITIZE_THREAD__)
#define PL_WITH_POPCNT __attribute__((target_clones("popcnt", "default")))
#else
#define PL_WITH_POPCNT
#endif

namespace patternlite {
namespace {

PL_WITH_POPCNT int count_missing(const std::uint64_t* own, const std::uint64_t* set, int words) {
  int missing = 0;
  for (int word = 0; word < words; ++word) missing += std::popcount(own[word] & ~set[word]);
  return missing;
}

}  // namespace

TapSets::TapSets(const Convolution& conv, int filters, int channels)
    : filters_(filters),
      channels_(channels),
      area_(conv.window.kernel_h * conv.window.kernel_w),
      words_((channels * area_ + 63) / 64),
      bits_(static_cast<std::size_t>(filters) * words_),
      counts_(filters) {
  const WeightsView& weights = conv.weights;
  for (int o = 0; o < filters; ++o) {
    std::uint64_t* row = bits_.data() + static_cast<std::size_t>(o) * words_;
    for (int place = 0; place < area_; ++place) {
      const float* weight =
          &weights
               .data[o * weights.filter_stride + place / conv.window.kernel_w * weights.row_stride +
                     place % conv.window.kernel_w * weights.column_stride];
      for (int i = 0, tap = place; i < channels; ++i, tap += area_) {
        if (weight[i * weights.channel_stride] == 0.0f) continue;
        row[tap / 64] |= std::uint64_t{1} << tap % 64;
        ++counts_[o];
      }
    }
  }
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
