// Translates MNN's operators without weights into operators of the engine.
#pragma once

#include <functional>

#include "mnn/abi/abi.h"
#include "mnn/translate/operands.h"

namespace patternlite::mnn {

// What runs in the operator's place, between these tensors; nothing if it cannot run here.
using Translation = std::function<std::optional<RecordedNode>(const Operands& operands)>;

// The translation of an operator; null if there is none.
Translation translation_of(const abi::Op* op);

}  // namespace patternlite::mnn
