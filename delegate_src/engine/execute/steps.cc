#include "engine/execute/steps.h"

#include <stdexcept>
#include <type_traits>

#include "engine/execute/steps/operator_steps.h"

namespace patternlite {

std::unique_ptr<Step> make_step(const Node& node, const TensorMemory& memory,
                                const kernels::KernelTable& kernels) {
  return std::visit(
      [&](const auto& op) -> std::unique_ptr<Step> {
        using Op = std::decay_t<decltype(op)>;
        if constexpr (std::is_same_v<Op, Alias>) {
          throw std::logic_error("fuse() leaves no aliases");
        } else if constexpr (std::is_same_v<Op, Convolution>) {
          throw std::logic_error("convolutions come packed: make_convolution_step()");
        } else {
          return make_operator_step(op, memory, kernels);
        }
      },
      node.op);
}

}  // namespace patternlite
