#include "engine/plan/memory_plan.h"

#include <algorithm>
#include <utility>

#include "engine/graph/row_window.h"
#include "engine/graph/visit.h"
#include "engine/plan/lay_out.h"
#include "engine/plan/slot_allocator.h"

namespace patternlite {
namespace {

// The node after which each tensor is no longer read; outputs live to the end.
std::vector<int> last_uses(const Graph& graph) {
  std::vector<int> last(graph.tensors.size(), -1);
  const int nodes = static_cast<int>(graph.nodes.size());
  for (int i = 0; i < nodes; ++i) {
    for_each_input(graph.nodes[i].op, [&](TensorId id) { last[id] = i; });
    TensorId output = output_of(graph.nodes[i].op);
    last[output] = std::max(last[output], i);
  }
  for (TensorId id : graph.outputs) last[id] = nodes;
  return last;
}

// Where a tensor lies that is part of another one: at this channel of it.
struct Place {
  TensorId whole;
  int channel = 0;
};

// For each tensor, the outermost concatenation that it is part of, or the tensor from which it is
// selected, or itself. A tensor that goes into several concatenations lies in the first.
std::vector<Place> find_places(const Graph& graph) {
  std::vector<Place> places;
  for (TensorId id = 0; id < static_cast<TensorId>(graph.tensors.size()); ++id) {
    places.push_back({id});
  }
  // Backwards, so that a concatenation's own place is known before its parts are put into it.
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const auto* whole = std::get_if<Concatenation>(&graph.nodes[i].op);
    if (whole == nullptr) continue;
    const Place outer = places[whole->output];
    int channel = outer.channel;
    for (const TensorId part : whole->inputs) {
      places[part] = {outer.whole, channel};
      channel += graph.tensors[part].channels;
    }
  }
  for (const Node& node : graph.nodes) {
    const auto* part = std::get_if<ChannelSelection>(&node.op);
    // What goes into another concatenation is copied there.
    if (part == nullptr || !is_part(*part) || places[part->output].whole != part->output) continue;
    const Place& outer = places[part->input];
    places[part->output] = {outer.whole, outer.channel + part->channels.front()};
  }
  return places;
}

// For each tensor that is not part of another, whether zeros around it or its parts are read.
std::vector<bool> find_padding(const Graph& graph, const std::vector<Place>& places) {
  std::vector<bool> padding(graph.tensors.size());
  for (const Node& node : graph.nodes) {
    const auto* conv = std::get_if<Convolution>(&node.op);
    if (conv == nullptr) continue;
    if (reads_zeros(*conv, graph.tensors[conv->input], graph.tensors[conv->output])) {
      padding[places[conv->input].whole] = true;
    }
  }
  return padding;
}

}  // namespace

std::size_t MemoryPlan::origin(TensorId id) const {
  return channel[id] * layouts[id].plane() + layouts[id].lead();
}

std::size_t MemoryPlan::bytes() const {
  std::size_t floats = 0;
  for (const std::size_t slot : slots) floats += slot;
  for (const std::size_t share : scratch) floats += share;
  return floats * sizeof(float);
}

MemoryPlan plan_memory(const Graph& graph, const std::vector<Chain>& chains) {
  MemoryPlan plan;
  plan.layouts = lay_out(graph);
  plan.slot.assign(graph.tensors.size(), -1);
  const std::vector<Place> places = find_places(graph);
  std::vector<int> last = last_uses(graph);
  for (const Chain& chain : chains) {
    for (int& use : last) {
      if (use >= chain.first && use < chain.last()) use = chain.last();
    }
  }
  for (std::size_t id = 0; id < last.size(); ++id) {
    int& last_of_whole = last[places[id].whole];
    last_of_whole = std::max(last_of_whole, last[id]);
    plan.channel.push_back(places[id].channel);
  }
  const std::vector<bool> padding = find_padding(graph, places);
  SlotAllocator allocator(plan.layouts);
  const auto take = [&](TensorId id, int node) {
    const TensorId whole = places[id].whole;
    if (plan.slot[whole] < 0) plan.slot[whole] = allocator.take({whole, node, padding[whole]});
    plan.slot[id] = plan.slot[whole];
  };
  for (TensorId id : graph.inputs) take(id, kBeforeAll);
  for (int i = 0; i < static_cast<int>(graph.nodes.size()); ++i) {
    const TensorId output = output_of(graph.nodes[i].op);
    if (const int window = window_of(chains, i)) {
      plan.layouts[output].window = window;
    } else {
      take(output, i);
    }
    for (TensorId id = 0; id < static_cast<TensorId>(last.size()); ++id) {
      if (last[id] == i && places[id].whole == id && plan.slot[id] >= 0) {
        allocator.release(plan.slot[id]);
      }
    }
  }
  plan.slots = allocator.sizes();
  plan.clears.assign(graph.nodes.size(), kNoTensor);
  for (const SlotUse& use : allocator.cleared()) plan.clears[use.node] = use.tensor;
  for (const Chain& chain : chains) {
    std::size_t floats = 0;
    for (int i = chain.first; i < chain.last(); ++i) {
      floats += floats_to_hold(plan.layouts[output_of(graph.nodes[i].op)]);
    }
    plan.scratch.resize(std::max(plan.scratch.size(), chain.shares.size()));
    for (std::size_t share = 0; share < chain.shares.size(); ++share) {
      plan.scratch[share] = std::max(plan.scratch[share], floats);
    }
  }
  return plan;
}

}  // namespace patternlite
