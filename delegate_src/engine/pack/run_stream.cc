#include "engine/pack/run_stream.h"

#include <algorithm>
#include <unordered_map>

#include "engine/support/counted.h"

namespace patternlite {

using kernels::kBcFilters;

std::vector<std::vector<int>> join_runs(std::span<const int32_t> offsets, int step, int longest) {
  const int count = static_cast<int>(offsets.size());
  std::unordered_map<int32_t, int> tap_at;
  for (int tap = 0; tap < count; ++tap) tap_at.emplace(offsets[tap], tap);
  std::vector<int> ascending = counted(count);
  std::sort(ascending.begin(), ascending.end(),
            [&](int a, int b) { return offsets[a] < offsets[b]; });
  std::vector<char> used(count, 0);
  std::vector<std::vector<int>> runs;
  for (int first : ascending) {
    if (used[first]) continue;
    std::vector<int> run{first};
    used[first] = 1;
    while (static_cast<int>(run.size()) < longest) {
      const auto next = tap_at.find(offsets[run.back()] + step);
      if (next == tap_at.end() || used[next->second]) break;
      used[next->second] = 1;
      run.push_back(next->second);
    }
    runs.push_back(std::move(run));
  }
  std::stable_sort(runs.begin(), runs.end(),
                   [](const auto& a, const auto& b) { return a.size() < b.size(); });
  return runs;
}

std::size_t PackedRuns::bytes() const {
  return (start.size() + first_tap.size() + offset.size() + out_plane.size()) * sizeof(int32_t) +
         (weights.size() + bias.size()) * sizeof(float);
}

kernels::RunStream PackedRuns::view() const {
  return {start.data(),   first_tap.data(), offset.data(),
          weights.data(), bias.data(),      out_plane.data()};
}

PackedRuns pack_runs(const PackedStream& stream, int step, int longest) {
  PackedRuns packed;
  packed.out_plane = stream.out_plane;
  packed.bias = stream.bias;
  packed.weights.reserve(stream.weights.size());
  for (int group = 0; group < stream.groups(); ++group) {
    const int begin = stream.start[group], end = stream.start[group + 1];
    packed.first_tap.push_back(begin);
    int length = 0;  // lists up to this length have begun
    for (const auto& run :
         join_runs(std::span(stream.offset).subspan(begin, end - begin), step, longest)) {
      for (; length < static_cast<int>(run.size()); ++length) {
        packed.start.push_back(static_cast<int32_t>(packed.offset.size()));
      }
      packed.offset.push_back(stream.offset[begin + run.front()]);
      for (int tap : run) {
        const auto weights = stream.weights.begin() + std::ptrdiff_t{begin + tap} * kBcFilters;
        packed.weights.insert(packed.weights.end(), weights, weights + kBcFilters);
      }
    }
    for (; length < kernels::kBcMaxRun; ++length) {
      packed.start.push_back(static_cast<int32_t>(packed.offset.size()));
    }
  }
  packed.start.push_back(static_cast<int32_t>(packed.offset.size()));
  packed.offset.resize(packed.offset.size() + kernels::kBcRunsAhead);
  return packed;
}

}  // namespace patternlite
