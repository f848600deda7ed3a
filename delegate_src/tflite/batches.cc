#include "tflite/batches.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/support/disjoint_sets.h"

namespace patternlite::tflite {
namespace {

// Groups of tensors that nodes connect, directly or through others; constants connect none.
DisjointSets joined_tensors(const TfLiteContext& context, const Constants& constants,
                            std::span<const OpNode> nodes) {
  const auto is_stored = [&](int tensor) {
    return is_constant(context.tensors[tensor]) || constants.is_decoded(tensor);
  };
  DisjointSets groups(static_cast<int>(context.tensors_size));
  for (const OpNode& node : nodes) {
    if (is_stored(node.outputs[0])) continue;  // a decoder
    for (const int other : node.outputs.subspan(1)) groups.join(other, node.outputs[0]);
    for (const int tensor : node.inputs) {
      if (tensor >= 0 && !is_stored(tensor)) groups.join(tensor, node.outputs[0]);
    }
  }
  return groups;
}

}  // namespace

std::vector<int> nodes_of_other_batches(const TfLiteContext& context, const Constants& constants,
                                        std::span<const OpNode> nodes,
                                        const PartitionGraph& partition) {
  if (std::set(partition.input_batches.begin(), partition.input_batches.end()).size() < 2)
    return {};
  DisjointSets groups = joined_tensors(context, constants, nodes);
  std::map<int, std::set<int>> batches;  // of each group's inputs
  for (std::size_t i = 0; i < partition.inputs.size(); ++i) {
    batches[groups.of(partition.inputs[i])].insert(partition.input_batches[i]);
  }
  std::map<std::set<int>, int> sizes;  // nodes, by the batches of their groups
  for (const OpNode& node : nodes) {
    const std::set<int>& own = batches[groups.of(node.outputs[0])];
    if (own.size() == 1) ++sizes[own];
  }
  const auto most =
      std::ranges::max_element(sizes, {}, [](const auto& size) { return size.second; });
  std::vector<int> others;
  for (const OpNode& node : nodes) {
    const std::set<int>& own = batches[groups.of(node.outputs[0])];
    if (!own.empty() && (most == sizes.end() || own != most->first)) others.push_back(node.index);
  }
  return others;
}

}  // namespace patternlite::tflite
