// Maps made larger or smaller, by MNN's rules.
#pragma once

#include "mnn/translate/translation.h"

namespace patternlite::mnn {

// Of an Interp that takes the nearest cells or blends the nearest four; null of another one. It
// fits any blocked maps of as many channels.
Translation resizing(const abi::Op* op);

}  // namespace patternlite::mnn
