#include "mnn/translate/translation.h"

#include "mnn/model/operator.h"
#include "mnn/translate/activations.h"
#include "mnn/translate/arithmetic.h"
#include "mnn/translate/pooling.h"
#include "mnn/translate/rearranging.h"
#include "mnn/translate/resizing.h"

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
