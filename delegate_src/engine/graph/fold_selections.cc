#include "engine/graph/fold_selections.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "engine/graph/visit.h"

namespace patternlite {
namespace {

class SelectionFolder {
 public:
  explicit SelectionFolder(Graph& graph) : graph_(graph) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      if (std::holds_alternative<ChannelSelection>(graph.nodes[i].op)) {
        selections_[output_of(graph.nodes[i].op)] = i;
      }
    }
  }

  void run() {
    for (Node& node : graph_.nodes) {
      if (auto* selection = std::get_if<ChannelSelection>(&node.op)) {
        read_past(selection->input, selection->channels);
      } else if (auto* whole = std::get_if<Concatenation>(&node.op)) {
        join_parts(*whole);
      } else if (auto* interleaving = std::get_if<Interleaving>(&node.op)) {
        for (std::size_t i = 0; i < interleaving->inputs.size(); ++i) {
          read_past(interleaving->inputs[i], interleaving->channels[i]);
        }
      }
    }
    std::erase_if(selections_,
                  [this](const auto& selection) { return readers(graph_, selection.first) != 0; });
    std::erase_if(graph_.nodes,
                  [this](const Node& node) { return selections_.contains(output_of(node.op)); });
  }

 private:
  const ChannelSelection* selection_of(TensorId id) const {
    const auto found = selections_.find(id);
    if (found == selections_.end()) return nullptr;
    return &std::get<ChannelSelection>(graph_.nodes[found->second].op);
  }

  // channels: those of the input that somebody reads.
  void read_past(TensorId& input, std::vector<int>& channels) const {
    const ChannelSelection* before = selection_of(input);
    if (before == nullptr) return;
    for (int& channel : channels) channel = before->channels[channel];
    input = before->input;
  }

  void join_parts(Concatenation& whole) const {
    std::vector<TensorId> joined;
    for (std::size_t i = 0; i < whole.inputs.size();) {
      const std::size_t count = parts_of_one(std::span(whole.inputs).subspan(i));
      joined.push_back(count ? selection_of(whole.inputs[i])->input : whole.inputs[i]);
      i += std::max<std::size_t>(count, 1);
    }
    whole.inputs = std::move(joined);
  }

  // How many tensors, from the first on, make up a whole map; 0: they do not.
  std::size_t parts_of_one(std::span<const TensorId> tensors) const {
    const ChannelSelection* first = selection_of(tensors[0]);
    if (first == nullptr) return 0;
    ChannelSelection sum{first->input, kNoTensor, {}};
    for (std::size_t count = 0; count < tensors.size();) {
      const ChannelSelection* part = selection_of(tensors[count++]);
      if (part == nullptr || part->input != sum.input) return 0;
      sum.channels.insert(sum.channels.end(), part->channels.begin(), part->channels.end());
      if (!is_part(sum)) return 0;
      if (std::ssize(sum.channels) == graph_.tensors[sum.input].channels) return count;
    }
    return 0;
  }

  Graph& graph_;
  std::map<TensorId, std::size_t> selections_;  // output -> node; finally, the unread
};

}  // namespace

void fold_selections(Graph& graph) { SelectionFolder(graph).run(); }

}  // namespace patternlite
