// Operators without weights. Between our layers they run here, since MNN does not know planar
// tensors.
#pragma once

#include <memory>

#include "mnn/abi/abi.h"
#include "mnn/abi/stock_execution.h"
#include "mnn/session/shadow_backend.h"

namespace patternlite::mnn {

// Wraps `stock` if it is an operator that translation.h knows; otherwise returns null and leaves
// `stock` alone.
std::unique_ptr<abi::Execution> wrapped_execution(abi::Backend* backend,
                                                  std::shared_ptr<ShadowBackend> shadow,
                                                  StockExecution& stock, const abi::Op* op);

// An Execution for an operator that this backend of MNN's does not know, and would pass to another
// one; null if it cannot run here, either. MNN must make it anew for other shapes.
std::unique_ptr<abi::Execution> lone_execution(abi::Backend* backend,
                                               std::shared_ptr<ShadowBackend> shadow,
                                               const abi::Tensors& inputs,
                                               const abi::Tensors& outputs, const abi::Op* op);

}  // namespace patternlite::mnn
