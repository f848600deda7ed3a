// Puts the plugin into the loaded MNN engine.
#pragma once

#include <string>
#include <vector>

#include "mnn/abi/engine_handle.h"

namespace patternlite::mnn {

// Registers the backend, once per process, and returns its forward type, also when called again.
// Any number given to MNN's nn.load_module_from_file() selects it, too. `library`: the path of the
// loaded extension module _mnncengine. Throws RegistrationError, and leaves MNN as it was, unless
// the engine is of a version in `supported` and passes self_test().
int register_backend(const std::string& library, const std::vector<std::string>& supported);

// The engine in which the backend is registered. Throws RegistrationError if there is none yet.
const EngineHandle& registered_engine();

}  // namespace patternlite::mnn
