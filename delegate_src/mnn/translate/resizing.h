// Resizing of maps, by MNN's rules.
#pragma once

#include "mnn/translate/translation.h"

namespace patternlite::mnn {

// Translates an Interp that takes the nearest cells or blends the nearest four; null for others. It
// fits any blocked maps with the same number of channels.
Translation resizing(const abi::Op* op);

}  // namespace patternlite::mnn
