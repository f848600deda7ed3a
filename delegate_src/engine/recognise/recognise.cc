#include "engine/recognise/recognise.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace patternlite {
namespace {

// Fewer zeros than this cannot outweigh what indexed weights cost.
constexpr double kLeastSparsity = 0.4;
// Patterns are of interest only while there are few.
constexpr std::size_t kMostPatterns = 512;

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

bool all_finite(const Convolution& conv, const TapSets& taps) {
  const int width = conv.window.kernel_w;
  for (int o = 0; o < taps.filters(); ++o) {
    for (int place = 0; place < taps.area(); ++place) {
      for (int i = 0; i < taps.channels(); ++i) {
        if (!std::isfinite(conv.weights.at(o, i, place / width, place % width))) return false;
      }
    }
  }
  return true;
}

// `count` bits from bit `at` on, count <= 64.
std::uint64_t bits_at(std::span<const std::uint64_t> words, int at, int count) {
  const int word = at / 64, shift = at % 64;
  std::uint64_t bits = words[word] >> shift;
  if (shift + count > 64) bits |= words[word + 1] << (64 - shift);
  return count == 64 ? bits : bits & ((std::uint64_t{1} << count) - 1);
}

}  // namespace

Sparsity recognise(const Convolution& conv, const TapSets& taps) {
  const int area = taps.area();
  std::size_t nonzero = 0, kernels = 0, in_records = 0;
  std::set<std::vector<std::uint64_t>> patterns;
  std::vector<std::uint64_t> pattern((area + 63) / 64), last;
  Sparsity found;
  for (int o = 0; o < taps.filters(); ++o) {
    for (int i = 0; i < taps.channels(); ++i) {
      int left = 0;
      for (int bit = 0; bit < area; bit += 64) {
        pattern[bit / 64] = bits_at(taps.bits(o), i * area + bit, std::min(area - bit, 64));
        left += std::popcount(pattern[bit / 64]);
      }
      if (left == 0) continue;
      ++kernels;
      nonzero += left;
      in_records += (left + 3) / 4 * 4;
      found.max_taps = std::max(found.max_taps, left);
      if (pattern != last && patterns.size() < kMostPatterns) patterns.insert(last = pattern);
    }
  }
  const double all_kernels = static_cast<double>(taps.filters()) * taps.channels();
  found.density = nonzero / (all_kernels * area);
  found.kernels_kept = kernels / all_kernels;
  found.record_density = in_records / (all_kernels * area);
  found.patterns = static_cast<int>(patterns.size());
  found.shared_group = largest_shared_group(taps);
  found.finite = all_finite(conv, taps);
  return found;
}

std::string reason_of(const Sparsity& sparsity, const Window& window) {
  if (!sparsity.finite) return "declined:non-finite-weights";
  if (sparsity.density > 1 - kLeastSparsity) return "dense:too-few-zeros";
  if (window.kernel_h == 1 && window.kernel_w == 1) return "sparse-1x1";
  if (window.kernel_h == 3 && window.kernel_w == 3 && sparsity.max_taps <= 4) return "pattern";
  return "sparse-kxk";
}

bool is_sparse(const std::string& reason) {
  return reason == "pattern" || reason.starts_with("sparse-");
}

}  // namespace patternlite
