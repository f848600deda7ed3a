// Checks, before anything is registered, that the loaded engine looks as abi.h says.
#pragma once

#include "mnn/abi/engine_handle.h"

namespace patternlite::mnn {

// Creates a stock runtime, backend, tensor and execution, and checks everything that the plugin
// relies on. Throws RegistrationError naming the first difference. Leaves no trace in MNN.
void self_test(const EngineHandle& engine);

}  // namespace patternlite::mnn
