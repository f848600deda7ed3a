#include "mnn/partition.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "engine/graph/visit.h"
#include "mnn/expectation.h"

namespace patternlite::mnn {
namespace {

// With the operators other than layers that read what runs here: MNN would have to be handed it.
std::vector<bool> continued(const Recording& recording, std::vector<bool> runs) {
  std::vector<bool> ours(recording.tensors().size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const RecordedNode& node = recording.nodes()[i];
    const auto is_ours = [&](TensorId id) { return ours[id]; };
    if (!node.layer) runs[i] = std::any_of(node.inputs.begin(), node.inputs.end(), is_ours);
    if (runs[i]) ours[output_of(node.op)] = true;
  }
  return runs;
}

// What running these saves, less what it costs to move tensors to them and from them.
double savings(const Recording& recording, const std::vector<bool>& layers) {
  const std::vector<bool> runs = continued(recording, layers);
  std::vector<bool> moved = exported(recording, runs), ours(recording.tensors().size());
  double saved = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!runs[i]) continue;
    const RecordedNode& node = recording.nodes()[i];
    saved += node.gain.value_or(0);
    ours[output_of(node.op)] = true;
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!runs[i]) continue;
    for (TensorId id : recording.nodes()[i].inputs) moved[id] = moved[id] || !ours[id];
  }
  for (std::size_t id = 0; id < moved.size(); ++id) {
    if (moved[id]) saved -= moving_cost(recording.tensors()[id].shape);
  }
  return saved;
}

// Layers that hand tensors to one another, whether directly or through other operators, and that
// are worth it only together.
std::vector<std::vector<std::size_t>> runs_of_layers(const Recording& recording) {
  std::vector<TensorId> root(recording.tensors().size());
  std::iota(root.begin(), root.end(), 0);
  const auto root_of = [&](TensorId id) {
    while (root[id] != id) id = root[id] = root[root[id]];
    return id;
  };
  for (const RecordedNode& node : recording.nodes()) {
    if (node.layer && !node.gain) continue;
    for (TensorId id : node.inputs) root[root_of(id)] = root_of(output_of(node.op));
  }
  std::map<TensorId, std::vector<std::size_t>> runs;
  for (std::size_t i = 0; i < recording.nodes().size(); ++i) {
    const RecordedNode& node = recording.nodes()[i];
    if (node.gain) runs[root_of(output_of(node.op))].push_back(i);
  }
  std::vector<std::vector<std::size_t>> all;
  for (auto& [tensor, layers] : runs) all.push_back(std::move(layers));
  return all;
}

}  // namespace

std::vector<bool> choose(const Recording& recording) {
  const auto& nodes = recording.nodes();
  std::vector<bool> layers;
  bool any_sure = false;
  for (const RecordedNode& node : nodes) {
    layers.push_back(node.layer && !node.gain);
    any_sure |= node.layer && !node.beside_others;
  }
  if (!any_sure) return std::vector<bool>(nodes.size());
  for (const auto& run : runs_of_layers(recording)) {
    std::vector<bool> more = layers;
    for (std::size_t i : run) more[i] = true;
    if (savings(recording, more) > savings(recording, layers)) layers = std::move(more);
  }
  return continued(recording, std::move(layers));
}

std::vector<bool> exported(const Recording& recording, const std::vector<bool>& runs) {
  std::vector<int> our_readers(recording.tensors().size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!runs[i]) continue;
    for (TensorId id : recording.nodes()[i].inputs) ++our_readers[id];
  }
  std::vector<bool> exported(recording.tensors().size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!runs[i]) continue;
    const TensorId id = output_of(recording.nodes()[i].op);
    const RecordedTensor& tensor = recording.tensors()[id];
    exported[id] = tensor.outside || tensor.readers == 0 || tensor.readers != our_readers[id];
  }
  return exported;
}

}  // namespace patternlite::mnn
