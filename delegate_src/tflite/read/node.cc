#include "tflite/read/node.h"

#include <set>

namespace patternlite::tflite {
namespace {

OpNode read_node(TfLiteContext* context, int index) {
  TfLiteNode* node = nullptr;
  TfLiteRegistration* registration = nullptr;
  if (context->GetNodeAndRegistration(context, index, &node, &registration) != kTfLiteOk) {
    throw std::runtime_error("the interpreter does not give node " + std::to_string(index));
  }
  const int code = node->delegate ? kTfLiteBuiltinDelegate : registration->builtin_code;
  return {.index = index,
          .builtin_code = code,
          .inputs = items(node->inputs),
          .outputs = items(node->outputs),
          .params = node->builtin_data};
}

}  // namespace

std::vector<OpNode> read_plan(TfLiteContext* context) {
  TfLiteIntArray* plan = nullptr;
  if (context->GetExecutionPlan(context, &plan) != kTfLiteOk) {
    throw std::runtime_error("the interpreter gives no execution plan");
  }
  std::vector<OpNode> nodes;
  for (const int index : items(plan)) nodes.push_back(read_node(context, index));
  return nodes;
}

std::vector<OpNode> read_replaced(TfLiteContext* context) {
  std::set<int> planned;
  for (const OpNode& node : read_plan(context)) planned.insert(node.index);
  // Behind all of the file's nodes comes what replaced some.
  const int last = planned.empty() ? 0 : *planned.rbegin();
  std::vector<OpNode> nodes;
  for (int index = 0; index < last; ++index) {
    if (!planned.contains(index)) nodes.push_back(read_node(context, index));
  }
  return nodes;
}

const char* type_name(TfLiteType type) {
  switch (type) {
    case kTfLiteFloat32:
      return "float32";
    case kTfLiteInt32:
      return "int32";
    case kTfLiteUInt8:
      return "uint8";
    case kTfLiteInt64:
      return "int64";
    case kTfLiteBool:
      return "bool";
    case kTfLiteInt16:
      return "int16";
    case kTfLiteInt8:
      return "int8";
    case kTfLiteFloat16:
      return "float16";
    case kTfLiteInt4:
      return "int4";
    case kTfLiteBFloat16:
      return "bfloat16";
    default:
      return "other";
  }
}

void require_type(const OpNode& node, const TfLiteTensor& tensor, TfLiteType type) {
  if (tensor.type != type) {
    throw Declined(node.index, std::string("dtype-") + type_name(tensor.type));
  }
}

std::string name_of(const TfLiteContext& context, const OpNode& node) {
  const char* name = context.tensors[node.outputs[0]].name;
  const std::string joined = name ? name : "";
  return joined.substr(0, joined.find(';'));
}

bool is_convolution(const OpNode& node) {
  const bool transposed = node.builtin_code == kTfLiteBuiltinTransposeConv;  // its map comes third
  const std::size_t operands = transposed ? 3 : 2;
  return (node.builtin_code == kTfLiteBuiltinConv2d ||
          node.builtin_code == kTfLiteBuiltinDepthwiseConv2d ||
          node.builtin_code == kTfLiteBuiltinFullyConnected || transposed) &&
         node.inputs.size() >= operands && node.inputs[1] >= 0 && node.inputs[operands - 1] >= 0 &&
         node.outputs.size() == 1 && node.outputs[0] >= 0;
}

}  // namespace patternlite::tflite
