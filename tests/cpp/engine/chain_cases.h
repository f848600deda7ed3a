// What tests of chains share: limits, and graphs whose pooling is folded into convolutions.
#pragma once

#include <cstddef>

#include "engine/networks.h"

namespace patternlite::test {

inline constexpr std::size_t kAny = std::size_t(-1);
inline constexpr double kOften = 1e9;

// As fuse() has it of larger maps.
inline Graph pooled_at_once(Graph graph) {
  for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
    const auto* pool = std::get_if<Pooling>(&graph.nodes[i].op);
    if (pool == nullptr) continue;
    auto& conv = std::get<Convolution>(graph.nodes[i - 1].op);
    conv.pooling =
        FusedPooling{graph.tensors[conv.output], pool->mode, pool->window, pool->activation};
    conv.output = pool->output;
    graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return graph;
}

}  // namespace patternlite::test
