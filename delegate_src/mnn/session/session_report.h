// What became of one of MNN's sessions.
#pragma once

#include "mnn/session/shadow_runtime.h"

namespace patternlite::mnn {

// The logs of a session, or of a manager's sessions, with the backend that register_backend() put
// into MNN. They have layers only once MNN has given the session its sizes. Null: MNN runs it
// alone. Throws RegistrationError before the registration.
std::unique_ptr<Logs> logs_of_session(const abi::Session* session);
std::unique_ptr<Logs> logs_of_manager(abi::RuntimeManager* manager);

}  // namespace patternlite::mnn
