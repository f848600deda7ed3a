#include "engine/recognise.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

namespace patternlite {
namespace {

// Fewer zeros than this cannot outweigh what indexed weights cost.
constexpr double kLeastSparsity = 0.4;

// The largest group size for which all filters can be grouped with filters of the same taps.
int largest_shared_group(const std::unordered_map<std::uint64_t, int>& filters_by_support) {
  for (int group : {16, 4, 2}) {
    const bool all = std::all_of(filters_by_support.begin(), filters_by_support.end(),
                                 [group](const auto& entry) { return entry.second % group == 0; });
    if (all) return group;
  }
  return 1;
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {  // FNV-1a over one 64-bit word
  return (hash ^ value) * 0x100000001b3ull;
}

}  // namespace

Sparsity recognise(const Convolution& conv, const Graph& graph) {
  const int filters = graph.tensors[conv.output].channels;
  const int channels = graph.tensors[conv.input].channels;
  const Window& window = conv.window;
  Sparsity found;
  std::size_t nonzero = 0, kernels = 0;
  std::set<std::vector<bool>> patterns;
  std::unordered_map<std::uint64_t, int> filters_by_support;
  std::vector<bool> pattern(static_cast<std::size_t>(window.kernel_h) * window.kernel_w);
  for (int o = 0; o < filters; ++o) {
    std::uint64_t support = 0xcbf29ce484222325ull;
    for (int i = 0; i < channels; ++i) {
      int taps = 0;
      for (int y = 0; y < window.kernel_h; ++y) {
        for (int x = 0; x < window.kernel_w; ++x) {
          const float weight = conv.weights.at(o, i, y, x);
          found.finite &= std::isfinite(weight);
          const bool kept = weight != 0.0f;
          const std::size_t tap = static_cast<std::size_t>(y) * window.kernel_w + x;
          pattern[tap] = kept;
          if (kept) {
            ++taps;
            support = mix(support, static_cast<std::uint64_t>(i) * pattern.size() + tap);
          }
        }
      }
      nonzero += taps;
      if (taps > 0) {
        ++kernels;
        // A pattern is of interest only while there are few of them.
        if (patterns.size() < 512) patterns.insert(pattern);
      }
      found.max_taps = std::max(found.max_taps, taps);
    }
    ++filters_by_support[support];
  }
  const double all_kernels = static_cast<double>(filters) * channels;
  found.density = nonzero / (all_kernels * pattern.size());
  found.kernels_kept = kernels / all_kernels;
  found.patterns = static_cast<int>(patterns.size());
  found.shared_group = largest_shared_group(filters_by_support);
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
