#include "tflite/operand_rules.h"

namespace patternlite::tflite {

std::size_t least_operands(const OpNode& node) {
  switch (node.builtin_code) {
    case kTfLiteBuiltinConv2d:
    case kTfLiteBuiltinDepthwiseConv2d:
    case kTfLiteBuiltinFullyConnected:
    case kTfLiteBuiltinMean:
    case kTfLiteBuiltinAdd:
    case kTfLiteBuiltinSub:
    case kTfLiteBuiltinMul:
    case kTfLiteBuiltinDiv:
    case kTfLiteBuiltinPrelu:
    case kTfLiteBuiltinSquaredDifference:
    case kTfLiteBuiltinPad:
    case kTfLiteBuiltinPadV2:
    case kTfLiteBuiltinMirrorPad:
    case kTfLiteBuiltinResizeBilinear:
    case kTfLiteBuiltinResizeNearestNeighbor:
    case kTfLiteBuiltinTile:
    case kTfLiteBuiltinTranspose:
    case kTfLiteBuiltinSplit:
      return 2;
    case kTfLiteBuiltinSlice:
    case kTfLiteBuiltinSplitV:
    case kTfLiteBuiltinTransposeConv:
      return 3;
    case kTfLiteBuiltinStridedSlice:
      return 4;
    case kTfLiteBuiltinConcatenation:
      return node.inputs.size();
    default:
      return 1;
  }
}

bool splits(const OpNode& node) {
  return node.builtin_code == kTfLiteBuiltinSplit || node.builtin_code == kTfLiteBuiltinSplitV;
}

bool reads_views(const OpNode& node) {
  return node.builtin_code == kTfLiteBuiltinReshape ||
         node.builtin_code == kTfLiteBuiltinTranspose || node.builtin_code == kTfLiteBuiltinTile;
}

bool reads_channels_first(const OpNode& node) {
  switch (node.builtin_code) {
    case kTfLiteBuiltinAdd:
    case kTfLiteBuiltinSub:
    case kTfLiteBuiltinMul:
    case kTfLiteBuiltinDiv:
    case kTfLiteBuiltinMean:
    case kTfLiteBuiltinRelu:
    case kTfLiteBuiltinRelu6:
    case kTfLiteBuiltinReluN1To1:
    case kTfLiteBuiltinRelu0To1:
    case kTfLiteBuiltinLeakyRelu:
    case kTfLiteBuiltinPrelu:
    case kTfLiteBuiltinHardSwish:
    case kTfLiteBuiltinLogistic:
    case kTfLiteBuiltinTanh:
    case kTfLiteBuiltinGelu:
    case kTfLiteBuiltinPad:
    case kTfLiteBuiltinPadV2:
    case kTfLiteBuiltinMirrorPad:
    case kTfLiteBuiltinConcatenation:
    case kTfLiteBuiltinSplit:
    case kTfLiteBuiltinSplitV:
    case kTfLiteBuiltinSlice:
    case kTfLiteBuiltinStridedSlice:
      return true;
    default:
      return reads_views(node);
  }
}

}  // namespace patternlite::tflite
