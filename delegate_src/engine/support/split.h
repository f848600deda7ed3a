// Cuts loops into tasks.
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

// Whether threads should divide a layer's `positions` rather than its channels, so that each mostly
// reads what it wrote in the layer before: if each gets at least one block of a kernel.
inline bool cut_positions(int positions, int threads) { return positions >= 96 * threads; }

// The same for layers that are cut between rows only: if each thread gets a few.
inline bool cut_rows(int height, int width, int threads) {
  return cut_positions(height * width, threads) && height >= 2 * threads;
}

// The same for elementwise operators, which are otherwise cut between channels: if these are too
// few.
inline bool cut_rows_of_few(int channels, int height, int threads) {
  return channels < std::min(height, threads);
}

// How many filters a block of IS has, such that their sums on a tile of `tile` positions fit into
// `accumulators`: not all filters, since on maps of a single vector only blocks can be given to
// threads.
inline int is_block_filters(int accumulators, int tile) {
  return std::min(accumulators / tile, 128);
}

}  // namespace patternlite
