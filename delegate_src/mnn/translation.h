// Operators of MNN without weights as operators of the engine.
#pragma once

#include <functional>
#include <optional>

#include "engine/graph/graph.h"
#include "mnn/abi.h"
#include "mnn/engine_handle.h"

namespace patternlite::mnn {

// The operator between these tensors, blocked ones of floats, without their numbers; nothing if it
// is none that runs here.
using Translation = std::function<std::optional<Operator>(
    const EngineHandle& engine, const abi::Tensors& inputs, const abi::Tensor& output)>;

// Null if it is no operator of these.
Translation translation_of(const abi::Op* op);

}  // namespace patternlite::mnn
