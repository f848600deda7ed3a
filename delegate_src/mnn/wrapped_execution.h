// Operators that MNN runs well, but not on planar tensors: between our layers they run here.
#pragma once

#include <memory>

#include "mnn/abi.h"
#include "mnn/shadow_backend.h"
#include "mnn/stock_execution.h"

namespace patternlite::mnn {

// `stock` wrapped if it is an operator that translation.h knows; else null, and `stock` kept.
std::unique_ptr<abi::Execution> wrapped_execution(abi::Backend* backend,
                                                  std::shared_ptr<ShadowBackend> shadow,
                                                  StockExecution& stock, const abi::Op* op);

}  // namespace patternlite::mnn
