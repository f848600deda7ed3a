// GraphReader's translation of the operators that bend each value, and of SOFTMAX.
#include <utility>

#include "tflite/read/graph_reader.h"
#include "tflite/read/parameters.h"

namespace patternlite::tflite {
namespace {

Activation activation_of(const OpNode& node) {
  switch (node.builtin_code) {
    case kTfLiteBuiltinRelu6:
      return Activation::kRelu6;
    case kTfLiteBuiltinReluN1To1:
      return Activation::kReluN1To1;
    case kTfLiteBuiltinRelu0To1:
      return Activation::kRelu0To1;
    default:
      return Activation::kRelu;
  }
}

Curve curve_of(const OpNode& node) {
  switch (node.builtin_code) {
    case kTfLiteBuiltinHardSwish:
      return Curve::kHardSwish;
    case kTfLiteBuiltinLogistic:
      return Curve::kSigmoid;
    case kTfLiteBuiltinTanh:
      return Curve::kTanh;
    case kTfLiteBuiltinGelu:
      return node.params_as<TfLiteGeluParams>().approximate ? Curve::kTanhGelu : Curve::kGelu;
    default:
      return Curve::kLeakyRelu;
  }
}

}  // namespace

void GraphReader::add_activation(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  const Activation activation = activation_of(node);
  const Value output = define(node, input, activation);
  push(node, ActivationOp{input.id, output.id, activation});
}

void GraphReader::add_curve(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  std::vector<float> slopes;
  if (node.builtin_code == kTfLiteBuiltinLeakyRelu) {
    slopes = {node.params_as<TfLiteLeakyReluParams>().alpha};
  } else if (node.builtin_code == kTfLiteBuiltinPrelu) {
    slopes = channel_constants(node, input, 1);
  }
  const Value output = define(node, input, Activation::kNone);
  push(node, CurveOp{input.id, output.id, curve_of(node), std::move(slopes)});
}

void GraphReader::add_softmax(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  // Over a map it is worth a kernel that the engine does not have.
  if (!is_vector(input)) throw Declined(node.index, "softmax-of-a-map");
  Value& output = define(node, input, Activation::kNone);
  output.non_negative = true;
  const float beta = node.params_as<TfLiteSoftmaxParams>().beta;
  push(node, Softmax{input.id, output.id, beta});
}

}  // namespace patternlite::tflite
