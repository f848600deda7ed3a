// Reading and rewriting the tensor ids of any operator.
#pragma once

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

inline TensorId output_of(const Operator& op) {
  return std::visit([](const auto& any) { return any.output; }, op);
}

inline void set_output(Operator& op, TensorId id) {
  std::visit([id](auto& any) { any.output = id; }, op);
}

}  // namespace patternlite
