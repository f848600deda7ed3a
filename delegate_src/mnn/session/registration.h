// Puts the plugin into the loaded MNN engine.
#pragma once

#include <string>
#include <vector>

#include "mnn/abi/engine_handle.h"

namespace patternlite::mnn {

// Registers the backend, once a process, and returns the forward type it has (again, if called
// again). Numbers given to MNN's nn.load_module_from_file() select it, too. `library`: the path of
// the loaded extension module _mnncengine. Throws RegistrationError, and leaves MNN as it was,
// unless the engine is of a version in `supported` and passes self_test().
int register_backend(const std::string& library, const std::vector<std::string>& supported);

// The engine that holds the backend. Throws RegistrationError if there is none yet.
const EngineHandle& registered_engine();

}  // namespace patternlite::mnn
