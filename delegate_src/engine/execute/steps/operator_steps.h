// How each operator becomes a step: one overload per operator, in the file of its family.
#pragma once

#include <memory>

#include "engine/execute/steps.h"

namespace patternlite {

std::unique_ptr<Step> make_operator_step(const Pooling& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const Addition& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const Multiplication& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const Scaling& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const ChannelNorm& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const InstanceNorm& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const Padding& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const ActivationOp& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const CurveOp& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const Concatenation& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const ChannelSelection& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const Interleaving& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const Resize& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const BilinearResize& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);
std::unique_ptr<Step> make_operator_step(const Softmax& op, const TensorMemory& memory,
                                         const kernels::KernelTable& kernels);

}  // namespace patternlite
