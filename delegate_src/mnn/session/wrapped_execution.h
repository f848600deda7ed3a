// Operators without weights: between our layers they run here, for MNN does not know planar
// tensors.
#pragma once

#include <memory>

#include "mnn/abi/abi.h"
#include "mnn/abi/stock_execution.h"
#include "mnn/session/shadow_backend.h"

namespace patternlite::mnn {

// `stock` wrapped if it is an operator that translation.h knows; else null, and `stock` kept.
std::unique_ptr<abi::Execution> wrapped_execution(abi::Backend* backend,
                                                  std::shared_ptr<ShadowBackend> shadow,
                                                  StockExecution& stock, const abi::Op* op);

// Of an operator that this backend of MNN's does not know, which would hand it to another one; null
// if it cannot run here, either. MNN must make it anew for other shapes.
std::unique_ptr<abi::Execution> lone_execution(abi::Backend* backend,
                                               std::shared_ptr<ShadowBackend> shadow,
                                               const abi::Tensors& inputs,
                                               const abi::Tensors& outputs, const abi::Op* op);

}  // namespace patternlite::mnn
