#include "tflite/model_graphs.h"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>

#include "engine/support/hash.h"
#include "tflite/abi/builtin_operators.h"
#include "tflite/read/constants.h"
#include "tflite/read/node.h"

namespace patternlite::tflite {
namespace {

constexpr std::size_t kHashedBytes = 64;  // of each constant: all of them would take too long

}  // namespace

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
    const std::size_t first = std::min(tensor.bytes, kHashedBytes);
    hash.add(tensor.bytes);
    hash.add(std::string_view(static_cast<const char*>(tensor.data.raw), first));
  }
  return hash.value();
}

bool forget_undone(TfLiteContext* graph) {
  std::set<int> made;  // by delegates that stay
  for (const OpNode& node : read_plan(graph)) {
    if (node.builtin_code == kTfLiteBuiltinDelegate) {
      made.insert(node.outputs.begin(), node.outputs.end());
    }
  }
  bool any = false;
  for (int i = 0; i < static_cast<int>(graph->tensors_size); ++i) {
    if (made.contains(i)) continue;
    TfLiteDelegate*& mark = graph->tensors[i].delegate;
    any |= mark != nullptr;
    mark = nullptr;
  }
  return any;
}

}  // namespace patternlite::tflite
