// GraphReader's translation of the operators that bend each value, and of SOFTMAX.
#include <utility>

#include "tflite/graph_reader.h"
#include "tflite/parameters.h"

namespace patternlite::tflite {

void GraphReader::add_activation(const OpNode& node, Activation activation) {
  const Value input = unpadded_value(node, 0);
  const Value output = define(node, input, activation);
  push(node, ActivationOp{input.id, output.id, activation});
}

void GraphReader::add_curve(const OpNode& node, Curve curve, std::vector<float> slopes) {
  const Value input = unpadded_value(node, 0);
  const Value output = define(node, input, Activation::kNone);
  push(node, CurveOp{input.id, output.id, curve, std::move(slopes)});
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
