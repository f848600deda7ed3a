#include "tflite/model_graphs.h"

#include <set>
#include <span>

#include "engine/support/hash.h"
#include "tflite/builtin_operators.h"
#include "tflite/constants.h"
#include "tflite/node.h"

namespace patternlite::tflite {

GraphPlace place_of(TfLiteContext* graph) {
  const TfLiteContext* first = graph;
  for (int index = 0;; ++index) {
    TfLiteContext* other = nullptr;
    if (graph->AcquireSubgraphContext(graph, index, &other) != kTfLiteOk) return {graph, 0};
    if (index == 0) first = other;
    // The graph itself stays open for the delegate.
    if (other == graph) return {first, index};
    graph->ReleaseSubgraphContext(graph, index);
  }
}

std::uint64_t hash_of_constants(const TfLiteContext& graph) {
  Hash hash;
  for (const TfLiteTensor& tensor : std::span(graph.tensors, graph.tensors_size)) {
    if (!is_constant(tensor)) continue;
    hash.add(reinterpret_cast<std::uintptr_t>(tensor.data.raw));
    hash.add(tensor.bytes);
  }
  return hash.value();
}

void forget_undone(TfLiteContext* graph) {
  std::set<int> made;  // by delegates that stay
  for (const OpNode& node : read_plan(graph)) {
    if (node.builtin_code == kTfLiteBuiltinDelegate) {
      made.insert(node.outputs.begin(), node.outputs.end());
    }
  }
  for (int i = 0; i < static_cast<int>(graph->tensors_size); ++i) {
    if (!made.contains(i)) graph->tensors[i].delegate = nullptr;
  }
}

}  // namespace patternlite::tflite
