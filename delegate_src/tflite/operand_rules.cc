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
  switch (node.builtin_code) {
    case kTfLiteBuiltinReshape:
    case kTfLiteBuiltinTranspose:
    case kTfLiteBuiltinTile:
    case kTfLiteBuiltinConcatenation:
    case kTfLiteBuiltinSplit:
    case kTfLiteBuiltinSplitV:
    case kTfLiteBuiltinSlice:
    case kTfLiteBuiltinStridedSlice:
      return true;
    default:
      return false;
  }
}

}  // namespace patternlite::tflite
