// Sums, differences, products and quotients of two maps, or of a map and constants.
#pragma once

#include "mnn/translate/translation.h"

namespace patternlite::mnn {

// Of a BinaryOp or Eltwise; null if it computes anything else.
Translation arithmetic(const abi::Op* op);

// Of a loop, as MNN writes it where one operand is repeated over the other; null of another one.
Translation looped_arithmetic(const abi::Op* op);

// Of a Scale, which has numbers for each channel; null if it is none or does not say them.
Translation scale(const abi::Op* op);

}  // namespace patternlite::mnn
