// Chains: depthwise convolutions and the 1x1 convolutions around them run together, one part of the
// last one's output at a time. Of the tensors between them only what that part needs is computed,
// so they stay in a thread's cache. An inverted residual block does so little work for what it
// reads and writes that this decides how long it takes. A convolution whose output is much larger
// than that cache forms a chain with the next one, too, if that pools: the head of a VGG.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "engine/graph/row_window.h"
#include "engine/pack/packed_convolution.h"
#include "engine/support/machine.h"

namespace patternlite {

struct Chain {
  int first = 0;             // its first node
  std::vector<int> windows;  // rows held of the output of each node except the last
  // The parts of the last output that each thread computes in turn: virtual positions, from a
  // multiple of kHalfVector to another or to the end; those of whole rows if it is pooled.
  std::vector<std::vector<Range>> shares;
  int last() const { return first + static_cast<int>(windows.size()); }
};

struct ChainLimits {
  // On one thread, chains are for tensors of at least this size: smaller ones stay in its cache
  // anyway.
  std::size_t least_bytes = second_level_cache() * 3 / 4;
  std::size_t most_bytes = second_level_cache() * 3 / 5;  // of all windows, what a part needs
  // The same before a convolution that pools.
  std::size_t least_pooled_bytes = second_level_cache() * 4;
  // Each part reads the weights again: how much that may add, relative to what need not be written
  // and read.
  double most_read_again = 1.0 / 16;
};

// packed: node -> its packed convolution; null if it is none.
std::vector<Chain> find_chains(const Graph& graph, const std::vector<PlanarLayout>& layouts,
                               const std::function<const PackedConvolution*(int)>& packed,
                               int threads, const ChainLimits& limits);

// Rows held of a node's output if it lies within a chain; otherwise 0.
int window_of(const std::vector<Chain>& chains, int node);

}  // namespace patternlite
