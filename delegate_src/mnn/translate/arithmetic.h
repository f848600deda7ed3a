// Sums, differences, products and quotients of two maps, or of a map and constants.
#pragma once

#include "mnn/translate/translation.h"

namespace patternlite::mnn {

// Translates a BinaryOp or Eltwise; null if it computes anything else.
Translation arithmetic(const abi::Op* op);

// Translates a loop, as MNN writes it to repeat one operand over the other; null for other loops.
Translation looped_arithmetic(const abi::Op* op);

// Translates a Scale, which has numbers for each channel; null if it is none, or lacks them.
Translation scale(const abi::Op* op);

}  // namespace patternlite::mnn
