// Cutting a loop into tasks.
#pragma once

#include <algorithm>
#include <utility>

namespace patternlite {

// Range `part` of `parts` of [0, count), cut at multiples of `unit`.
inline std::pair<int, int> range_of(int count, int parts, int part, int unit = 1) {
  const long long units = (count + unit - 1) / unit;
  const auto cut = [&](int at) {
    return static_cast<int>(std::min<long long>(units * at / parts * unit, count));
  };
  return {cut(part), cut(part + 1)};
}

// Whether threads share a layer's `positions` rather than its channels, so that each reads mostly
// what it wrote itself in the layer before: where each gets a block of a kernel's or more.
inline bool cut_positions(int positions, int threads) { return positions >= 96 * threads; }

// The same of layers that are cut between rows alone: each thread gets a few.
inline bool cut_rows(int height, int width, int threads) {
  return cut_positions(height * width, threads) && height >= 2 * threads;
}

// The same of operators on each element, which are cut between channels otherwise: where those are
// too few.
inline bool cut_rows_of_few(int channels, int height, int threads) {
  return channels < std::min(height, threads);
}

// Filters of a block of IS, whose `accumulators` fit on tiles of `tile` positions: not all, since
// on maps of a single vector there are only blocks to give to threads.
inline int is_block_filters(int accumulators, int tile) {
  return std::min(accumulators / tile, 128);
}

}  // namespace patternlite
