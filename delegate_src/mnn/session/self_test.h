// Does the loaded engine look as abi.h says? Asked once, before anything is registered.
#pragma once

#include "mnn/abi/engine_handle.h"

namespace patternlite::mnn {

// Creates a stock runtime, backend, tensor and execution and checks all that the plugin relies on.
// Throws RegistrationError naming the first thing that differs. Leaves no trace in MNN.
void self_test(const EngineHandle& engine);

}  // namespace patternlite::mnn
