// Operators of MNN without weights as operators of the engine.
#pragma once

#include <functional>

#include "mnn/abi/abi.h"
#include "mnn/translate/operands.h"

namespace patternlite::mnn {

// What runs in the operator's place between these tensors; nothing if it is none that runs here.
using Translation = std::function<std::optional<RecordedNode>(const Operands& operands)>;

// Null if it is no operator of these.
Translation translation_of(const abi::Op* op);

}  // namespace patternlite::mnn
