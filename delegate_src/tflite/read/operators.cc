// The operators that GraphReader knows, a row for each.
#include <algorithm>
#include <array>
#include <limits>

#include "tflite/read/graph_reader.h"

namespace patternlite::tflite {
namespace {

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();  // operands

}  // namespace

struct GraphReader::Rule {
  int code;
  std::size_t operands;                         // that it cannot do without: the first so many
  enum class Axes { kNhwc, kNchw, kAny } axes;  // that it reads: these, and those before them
  void (GraphReader::*add)(const OpNode&);      // null: only norms contain it
  bool splits = false;                          // may have several outputs
};

const GraphReader::Rule& GraphReader::rule_of(const OpNode& node) {
  using R = GraphReader;
  constexpr auto kNhwc = Rule::Axes::kNhwc, kNchw = Rule::Axes::kNchw, kAny = Rule::Axes::kAny;
  static constexpr auto kRules = std::to_array<Rule>({
      {kTfLiteBuiltinConv2d, 2, kNhwc, &R::add_convolution},
      {kTfLiteBuiltinDepthwiseConv2d, 2, kNhwc, &R::add_depthwise},
      {kTfLiteBuiltinTransposeConv, 3, kNhwc, &R::add_transposed_convolution},
      {kTfLiteBuiltinFullyConnected, 2, kNhwc, &R::add_fully_connected},
      {kTfLiteBuiltinMaxPool2d, 1, kNhwc, &R::add_pooling},
      {kTfLiteBuiltinAveragePool2d, 1, kNhwc, &R::add_pooling},
      {kTfLiteBuiltinMean, 2, kNchw, &R::add_mean},
      {kTfLiteBuiltinAdd, 2, kNchw, &R::add_arithmetic},
      {kTfLiteBuiltinSub, 2, kNchw, &R::add_arithmetic},
      {kTfLiteBuiltinMul, 2, kNchw, &R::add_arithmetic},
      {kTfLiteBuiltinDiv, 2, kNchw, &R::add_arithmetic},
      {kTfLiteBuiltinSquaredDifference, 2, kNhwc, nullptr},
      {kTfLiteBuiltinNeg, 1, kNhwc, nullptr},
      {kTfLiteBuiltinRsqrt, 1, kNhwc, nullptr},
      {kTfLiteBuiltinRelu, 1, kNchw, &R::add_activation},
      {kTfLiteBuiltinRelu6, 1, kNchw, &R::add_activation},
      {kTfLiteBuiltinReluN1To1, 1, kNchw, &R::add_activation},
      {kTfLiteBuiltinRelu0To1, 1, kNchw, &R::add_activation},
      {kTfLiteBuiltinLeakyRelu, 1, kNchw, &R::add_curve},
      {kTfLiteBuiltinPrelu, 2, kNchw, &R::add_curve},
      {kTfLiteBuiltinHardSwish, 1, kNchw, &R::add_curve},
      {kTfLiteBuiltinLogistic, 1, kNchw, &R::add_curve},
      {kTfLiteBuiltinTanh, 1, kNchw, &R::add_curve},
      {kTfLiteBuiltinGelu, 1, kNchw, &R::add_curve},
      {kTfLiteBuiltinSoftmax, 1, kNhwc, &R::add_softmax},
      {kTfLiteBuiltinPad, 2, kNchw, &R::add_pad},
      {kTfLiteBuiltinPadV2, 2, kNchw, &R::add_pad},
      {kTfLiteBuiltinMirrorPad, 2, kNchw, &R::add_mirror_pad},
      {kTfLiteBuiltinResizeBilinear, 2, kNhwc, &R::add_resize},
      {kTfLiteBuiltinResizeNearestNeighbor, 2, kNhwc, &R::add_resize},
      {kTfLiteBuiltinDepthToSpace, 1, kNhwc, &R::add_depth_to_space},
      {kTfLiteBuiltinReshape, 1, kAny, &R::add_reshape},
      {kTfLiteBuiltinSqueeze, 1, kNhwc, &R::add_squeeze},
      {kTfLiteBuiltinTranspose, 2, kAny, &R::add_transpose},
      {kTfLiteBuiltinTile, 2, kAny, &R::add_tile},
      {kTfLiteBuiltinConcatenation, kAll, kNchw, &R::add_concatenation},
      {kTfLiteBuiltinSplit, 2, kNchw, &R::add_split, true},
      {kTfLiteBuiltinSplitV, 3, kNchw, &R::add_split, true},
      {kTfLiteBuiltinSlice, 3, kNchw, &R::add_slice},
      {kTfLiteBuiltinStridedSlice, 4, kNchw, &R::add_strided_slice},
      {kTfLiteBuiltinShape, 1, kAny, &R::add_shape},
      {kTfLiteBuiltinPack, kAll, kAny, &R::add_pack},
      {kTfLiteBuiltinDequantize, 1, kNhwc, &R::add_constant_decoder},
      {kTfLiteBuiltinDensify, 1, kNhwc, &R::add_constant_decoder},
  });
  const auto found = std::ranges::find(kRules, node.builtin_code, &Rule::code);
  if (found == kRules.end()) throw Declined(node.index, "unsupported-op");
  return *found;
}

void GraphReader::add(const OpNode& node) {
  const Rule& rule = rule_of(node);
  const std::size_t operands = rule.operands == kAll ? node.inputs.size() : rule.operands;
  const auto missing = [](int tensor) { return tensor < 0; };
  const Declined unsupported(node.index, "unsupported-op");
  if (node.inputs.size() < operands || std::ranges::any_of(node.inputs.first(operands), missing) ||
      node.outputs.empty() || (node.outputs.size() > 1 && !rule.splits) ||
      std::ranges::any_of(node.outputs, missing)) {
    throw unsupported;
  }
  if (continues_norm(node)) return;
  if (!rule.add) throw unsupported;
  (this->*rule.add)(node);
}

bool GraphReader::reads_axes_of(const OpNode& node, const Value& operand) {
  const Rule::Axes axes = rule_of(node).axes;
  if (operand.view) return axes == Rule::Axes::kAny;
  return !operand.channels_first || axes != Rule::Axes::kNhwc;
}

}  // namespace patternlite::tflite
