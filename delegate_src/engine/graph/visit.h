// Reading and rewriting the tensor ids of any operator.
#pragma once

#include <algorithm>
#include <variant>

#include "engine/graph/graph.h"

namespace patternlite {

// Calls visit(id) for each tensor the operator reads; ids may be changed when `op` is not const.
template <typename Op, typename Visit>
void for_each_input(Op& op, Visit visit) {
  std::visit(
      [&visit](auto& any) {
        if constexpr (requires { any.a; }) {
          visit(any.a);
          visit(any.b);
        } else if constexpr (requires { any.inputs; }) {
          for (auto& input : any.inputs) visit(input);
        } else {
          visit(any.input);
          if constexpr (requires { any.residual; }) {
            if (any.residual != kNoTensor) visit(any.residual);
          }
        }
      },
      op);
}

// How often a tensor is read; being an output of the graph counts as once.
inline int readers(const Graph& graph, TensorId id) {
  int count = static_cast<int>(std::count(graph.outputs.begin(), graph.outputs.end(), id));
  for (const Node& node : graph.nodes) {
    for_each_input(node.op, [&](TensorId input) { count += input == id; });
  }
  return count;
}

inline TensorId output_of(const Operator& op) {
  return std::visit([](const auto& any) { return any.output; }, op);
}

inline void set_output(Operator& op, TensorId id) {
  std::visit([id](auto& any) { any.output = id; }, op);
}

}  // namespace patternlite
