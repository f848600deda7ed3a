// Pooling, whose windows may extend beyond the image.
#pragma once

#include "mnn/translate/translation.h"

namespace patternlite::mnn {

// Null if the operator is no pooling.
Translation pooling(const abi::Op* op);

}  // namespace patternlite::mnn
