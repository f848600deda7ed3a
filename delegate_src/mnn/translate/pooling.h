// Poolings, whose windows may leave the image.
#pragma once

#include "mnn/translate/translation.h"

namespace patternlite::mnn {

// Null if the operator is none.
Translation pooling(const abi::Op* op);

}  // namespace patternlite::mnn
