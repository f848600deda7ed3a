#include "mnn/plan/session_graph.h"

#include <algorithm>
#include <utility>

#include "engine/graph/fuse.h"
#include "engine/graph/rewrite.h"
#include "engine/graph/visit.h"
#include "engine/support/counted.h"
#include "mnn/plan/partition.h"

namespace patternlite::mnn {
namespace {

// The graph to fuse. A tensor of MNN's is imported just before the first recorded node that reads
// it: not sooner, for MNN may not have computed it; nor between the node's own operators, for
// SessionProgram::run() imports before it runs them. The import is a node, so that fuse() and
// plan_memory() see when; its own input is a tensor that nobody else has. Nodes are tagged with the
// number in the recording.
Graph linked_graph(const Recording& recording, const std::vector<bool>& runs) {
  Graph graph;
  for (const RecordedTensor& tensor : recording.tensors()) graph.add_tensor(tensor.map.shape);
  std::vector<bool> planar(recording.tensors().size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!runs[i]) continue;
    const auto number = static_cast<int>(i);
    const RecordedNode& node = recording.nodes()[i];
    for (const Operator& op : node.ops) {
      for_each_input(op, [&](TensorId id) {
        const bool is_handed = std::ranges::find(node.inputs, id) != node.inputs.end();
        if (planar[id] || !is_handed) return;
        planar[id] = true;
        const TensorId outside = graph.add_tensor(graph.tensors[id]);
        graph.nodes.push_back({ActivationOp{outside, id, Activation::kNone}, "", number});
      });
    }
    for (const Operator& op : node.ops) {
      graph.nodes.push_back({op, "", number});
      planar[output_of(op)] = true;
    }
  }
  return graph;
}

// [tensors]: the one whose other name it is, itself if it is no alias.
std::vector<TensorId> originals(const Recording& recording, const std::vector<bool>& runs) {
  std::vector<TensorId> original = counted(static_cast<int>(recording.tensors().size()));
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!runs[i]) continue;
    for (const Operator& op : recording.nodes()[i].ops) {
      if (const auto* alias = std::get_if<Alias>(&op)) {
        original[alias->output] = original[alias->input];
      }
    }
  }
  return original;
}

int additions(const Graph& graph) {
  return static_cast<int>(std::count_if(graph.nodes.begin(), graph.nodes.end(), [](const Node& it) {
    return std::holds_alternative<Addition>(it.op);
  }));
}

// Exports stand where the tensor's own operator stands, even if it was fused into an earlier one:
// only there has MNN memory for the tensor.
void add_exports(Graph& graph, const Recording& recording, const std::vector<bool>& exported,
                 const std::vector<TensorId>& original) {
  for (std::size_t i = 0; i < recording.nodes().size(); ++i) {
    if (!exported[recording.nodes()[i].output]) continue;
    const TensorId id = original[recording.nodes()[i].output];
    const auto number = static_cast<int>(i);
    const auto after = std::ranges::upper_bound(graph.nodes, number, {}, &Node::tag);
    graph.nodes.insert(after, Node{Alias{id, id}, "", number});
  }
}

SessionNode session_node(const Node& node, TensorId clears) {
  const TensorId tensor = output_of(node.op);
  const auto* activation = std::get_if<ActivationOp>(&node.op);
  if (activation && activation->activation == Activation::kNone) {
    return {SessionNode::Kind::kImport, node.tag, tensor, {}, clears};
  }
  if (std::holds_alternative<Alias>(node.op)) {
    return {SessionNode::Kind::kExport, node.tag, tensor, {}};
  }
  return {SessionNode::Kind::kOperator, node.tag, tensor, node, clears};
}

}  // namespace

SessionGraph make_session_graph(const Recording& recording) {
  SessionGraph session;
  session.runs = choose(recording);
  session.runs_in_mnn_too = needed_by_rasters(recording, session.runs);
  const std::vector<bool> leaves = exported(recording, session.runs);
  Graph graph = linked_graph(recording, session.runs);
  const int before = additions(graph);
  for (std::size_t id = 0; id < leaves.size(); ++id) {
    if (leaves[id]) graph.outputs.push_back(static_cast<TensorId>(id));
  }
  graph = rewrite(graph);
  session.fused_additions = before - additions(graph);
  graph.outputs.clear();  // as plan_memory() has it, they would be held to the end
  const std::vector<TensorId> original = originals(recording, session.runs);
  add_exports(graph, recording, leaves, original);
  session.plan = plan_memory(graph);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    session.nodes.push_back(session_node(graph.nodes[i], session.plan.clears[i]));
  }
  std::vector<bool> seen(leaves.size());
  for (std::size_t id = 0; id < leaves.size(); ++id) {
    if (leaves[id]) seen[original[id]] = true;
  }
  for (std::size_t id = 0; id < seen.size(); ++id) {
    const auto makes = [id](const SessionNode& node) {
      return node.kind == SessionNode::Kind::kOperator && node.tensor == static_cast<TensorId>(id);
    };
    session.private_tensors +=
        !seen[id] && std::any_of(session.nodes.begin(), session.nodes.end(), makes);
  }
  return session;
}

}  // namespace patternlite::mnn
