#include "mnn/plan/partition.h"

#include <algorithm>
#include <map>

#include "engine/graph/visit.h"
#include "engine/support/disjoint_sets.h"
#include "mnn/plan/expectation.h"

namespace patternlite::mnn {
namespace {

bool is_constant(const Recording& recording, TensorId id) {
  return id == kNoTensor || !recording.tensors()[id].constant.empty();
}

// [tensors]: how often what runs here reads it.
std::vector<int> our_readers(const Recording& recording, const std::vector<bool>& runs) {
  std::vector<int> readers(recording.tensors().size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!runs[i]) continue;
    for (TensorId id : recording.nodes()[i].inputs) {
      if (id != kNoTensor) ++readers[id];
    }
  }
  return readers;
}

// [tensors]: those that an operator here reads and none writes.
std::vector<bool> imported(const Recording& recording, const std::vector<bool>& runs) {
  std::vector<bool> read(recording.tensors().size()), written(recording.tensors().size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!runs[i]) continue;
    for (const Operator& op : recording.nodes()[i].ops) {
      for_each_input(op, [&](TensorId id) { read[id] = read[id] || !written[id]; });
      written[output_of(op)] = true;
    }
  }
  return read;
}

bool is_read_elsewhere(const RecordedTensor& tensor, int our_readers) {
  return tensor.outside || tensor.readers == 0 || tensor.readers != our_readers;
}

// With the operators other than layers that read what runs here: MNN would have to be handed it.
void add_readers(const Recording& recording, std::vector<bool>& runs) {
  std::vector<bool> ours(recording.tensors().size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const RecordedNode& node = recording.nodes()[i];
    const auto is_ours = [&](TensorId id) { return id != kNoTensor && ours[id]; };
    if (!node.layer) {
      runs[i] = node.only_here || std::any_of(node.inputs.begin(), node.inputs.end(), is_ours);
    }
    if (runs[i]) ours[node.output] = true;
  }
}

// With what only moves what they read to where it is read: it may as well be moved from before.
void add_moves(const Recording& recording, std::vector<bool>& runs) {
  const std::vector<bool> maps = imported(recording, runs);
  std::vector<int> readers = our_readers(recording, runs);
  for (std::size_t i = runs.size(); i-- > 0;) {
    const RecordedNode& node = recording.nodes()[i];
    const RecordedTensor& output = recording.tensors()[node.output];
    if (runs[i] || !node.only_moves || is_read_elsewhere(output, readers[node.output])) continue;
    if (is_constant(recording, node.output) && maps[node.output]) continue;
    runs[i] = true;
    for (TensorId id : node.inputs) {
      if (id != kNoTensor) ++readers[id];
    }
  }
}

std::vector<bool> continued(const Recording& recording, std::vector<bool> runs) {
  add_readers(recording, runs);
  add_moves(recording, runs);
  return runs;
}

// Of what layers are expected to save: by so much the expectation may err.
constexpr double kDoubt = 0.25;

// What running these saves, less what it costs to move tensors to them and from them.
double savings(const Recording& recording, const std::vector<bool>& layers) {
  const std::vector<bool> runs = continued(recording, layers);
  const std::vector<bool> out = exported(recording, runs), in = imported(recording, runs);
  double saved = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i]) saved += recording.nodes()[i].gain.value_or(0);
  }
  for (std::size_t id = 0; id < out.size(); ++id) {
    if (out[id] || in[id]) saved -= moving_cost(recording.tensors()[id].map.shape);
  }
  return saved;
}

// Layers that hand tensors to one another, whether directly or through other operators, and that
// are worth it only together.
std::vector<std::vector<std::size_t>> runs_of_layers(const Recording& recording) {
  DisjointSets joined(static_cast<int>(recording.tensors().size()));
  for (const RecordedNode& node : recording.nodes()) {
    if (node.layer && !node.gain) continue;
    for (TensorId id : node.inputs) {
      if (!is_constant(recording, id)) joined.join(id, node.output);
    }
  }
  std::map<TensorId, std::vector<std::size_t>> runs;
  for (std::size_t i = 0; i < recording.nodes().size(); ++i) {
    const RecordedNode& node = recording.nodes()[i];
    if (node.gain) runs[joined.of(node.output)].push_back(i);
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
  if (!any_sure) return continued(recording, std::vector<bool>(nodes.size()));
  for (const auto& run : runs_of_layers(recording)) {
    std::vector<bool> more = layers;
    for (std::size_t i : run) more[i] = true;
    double gains = 0;
    for (std::size_t i : run) gains += *nodes[i].gain;
    const double saved = savings(recording, more) - savings(recording, layers);
    if (saved > kDoubt * gains) layers = std::move(more);
  }
  return continued(recording, std::move(layers));
}

std::vector<bool> needed_by_rasters(const Recording& recording, const std::vector<bool>& runs) {
  const std::vector<int> readers = our_readers(recording, runs);
  const auto is_blocked_elsewhere = [&](TensorId id) {
    if (id == kNoTensor) return false;
    const RecordedTensor& tensor = recording.tensors()[id];
    return tensor.map.order == MapOrder::kBlocked && tensor.readers > readers[id];
  };
  std::vector<bool> needed(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const RecordedNode& node = recording.nodes()[i];
    needed[i] = runs[i] && node.only_moves && node.stock_has_memory &&
                std::ranges::any_of(node.inputs, is_blocked_elsewhere);
  }
  return needed;
}

std::vector<bool> exported(const Recording& recording, const std::vector<bool>& runs) {
  const std::vector<int> readers = our_readers(recording, runs);
  std::vector<bool> exported(recording.tensors().size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const TensorId id = recording.nodes()[i].output;
    if (runs[i]) exported[id] = is_read_elsewhere(recording.tensors()[id], readers[id]);
  }
  return exported;
}

}  // namespace patternlite::mnn
