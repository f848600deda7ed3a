// Operators that bend each element alone.
#pragma once

#include "mnn/translate/translation.h"

namespace patternlite::mnn {

// Of a ReLU, ReLU6, PReLU or UnaryOp; null if the engine has no such curve.
Translation activation(const abi::Op* op);

}  // namespace patternlite::mnn
