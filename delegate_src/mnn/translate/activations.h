// Elementwise activations.
#pragma once

#include "mnn/translate/translation.h"

namespace patternlite::mnn {

// Translates a ReLU, ReLU6, PReLU or UnaryOp; null if the engine has no such activation.
Translation activation(const abi::Op* op);

}  // namespace patternlite::mnn
