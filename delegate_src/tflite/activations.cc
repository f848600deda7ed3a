// GraphReader's translation of the operators that bend each value, and of SOFTMAX.
#include <utility>

#include "tflite/graph_reader.h"
#include "tflite/parameters.h"

namespace patternlite::tflite {

void GraphReader::add_activation(const OpNode& node, Activation activation) {
  const Value input = unpadded_value(node, 0);
  const Value output = define(node, input, shape_of(input), input.dims, activation);
  graph_.nodes.push_back({ActivationOp{input.id, output.id, activation}, name_of(context_, node)});
}

void GraphReader::add_curve(const OpNode& node, Curve curve, std::vector<float> slopes) {
  const Value input = unpadded_value(node, 0);
  const Value output = define(node, input, shape_of(input), input.dims, Activation::kNone);
  graph_.nodes.push_back(
      {CurveOp{input.id, output.id, curve, std::move(slopes)}, name_of(context_, node)});
}

void GraphReader::add_softmax(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  // Over a map it is worth a kernel that the engine does not have.
  if (!is_vector(input)) throw Declined(node.index, "softmax-of-a-map");
  Value& output = define(node, input, shape_of(input), input.dims, Activation::kNone);
  output.non_negative = true;
  const float beta = node.params_as<TfLiteSoftmaxParams>().beta;
  graph_.nodes.push_back({Softmax{input.id, output.id, beta}, name_of(context_, node)});
}

}  // namespace patternlite::tflite
