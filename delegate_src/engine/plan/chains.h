// Depthwise convolutions and the 1x1 convolutions around them run together, a part of the last
// one's output at a time, and of the tensors between them only what it needs: these stay in a
// thread's cache. An inverted residual block does so little work for what it reads and writes that
// this decides how long it takes. So do a convolution whose output is much larger than that cache
// and the next one, if it pools: the head of a VGG.
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
  std::vector<int> windows;  // rows held of the output of each node but the last
  // What each thread does of the last output, part after part: virtual positions, from a multiple
  // of kHalfVector to another or to the end; those of whole rows where it is pooled.
  std::vector<std::vector<Range>> shares;
  int last() const { return first + static_cast<int>(windows.size()); }
};

struct ChainLimits {
  // On one thread, chains are for tensors of this size: smaller ones stay in its cache as they are.
  std::size_t least_bytes = second_level_cache() * 3 / 4;
  std::size_t most_bytes = second_level_cache() * 3 / 5;  // of all windows, what a part needs
  // Before a convolution that pools, those of this size.
  std::size_t least_pooled_bytes = second_level_cache() * 4;
  // Each part reads the weights anew: what that adds, as a share of what need not be written and
  // read.
  double most_read_again = 1.0 / 16;
};

// packed: what a node is packed as; null if it is no convolution.
std::vector<Chain> find_chains(const Graph& graph, const std::vector<PlanarLayout>& layouts,
                               const std::function<const PackedConvolution*(int)>& packed,
                               int threads, const ChainLimits& limits);

// Rows held of the output of a node, if it lies within a chain; else 0.
int window_of(const std::vector<Chain>& chains, int node);

}  // namespace patternlite
