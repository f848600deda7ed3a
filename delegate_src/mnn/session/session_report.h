// What one session of MNN's became.
#pragma once

#include "mnn/session/shadow_runtime.h"

namespace patternlite::mnn {

// Of the backend that register_backend() put into MNN, and of what MNN has given its sizes: before,
// there are no layers. Null: MNN runs the session, or the manager's sessions, alone. Throws
// RegistrationError before the registration.
std::unique_ptr<Logs> logs_of_session(const abi::Session* session);
std::unique_ptr<Logs> logs_of_manager(abi::RuntimeManager* manager);

}  // namespace patternlite::mnn
