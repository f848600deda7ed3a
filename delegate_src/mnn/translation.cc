#include "mnn/translation.h"

#include "mnn/activations.h"
#include "mnn/arithmetic.h"
#include "mnn/operator.h"
#include "mnn/pooling.h"
#include "mnn/rearrangement.h"
#include "mnn/resizing.h"

namespace patternlite::mnn {

Translation translation_of(const abi::Op* op) {
  switch (op_type(op)) {
    case kBinaryOp:
    case kEltwise:
      return arithmetic(op);
    case kWhile:
      return looped_arithmetic(op);
    case kScale:
      return scale(op);
    case kRelu:
    case kRelu6:
    case kPrelu:
    case kUnaryOp:
      return activation(op);
    case kRaster:
      return rearrangement();
    case kPooling:
      return pooling(op);
    case kInterp:
      return resizing(op);
    default:
      return nullptr;
  }
}

}  // namespace patternlite::mnn
