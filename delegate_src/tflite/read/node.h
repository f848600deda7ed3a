// One TFLite operator as the delegate sees it, and why one is not taken.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "tflite/abi/abi.h"
#include "tflite/abi/builtin_operators.h"

namespace patternlite::tflite {

// A copy of a node: TfLiteNode itself moves when the graph changes, and may be asked for only while
// a delegate is applied. Everything pointed to lives as long as the interpreter.
struct OpNode {
  int index = -1;  // in the interpreter
  int builtin_code = -1;
  std::span<const int> inputs, outputs;  // tensors
  const void* params = nullptr;

  template <typename Params>
  const Params& params_as() const {
    return *static_cast<const Params*>(params);
  }
};

// The operators of the execution plan, in order. A TFLite node that another delegate has claimed
// has the builtin code kTfLiteBuiltinDelegate.
std::vector<OpNode> read_plan(TfLiteContext* context);

// The operators that delegates have replaced, as they were in the file.
std::vector<OpNode> read_replaced(TfLiteContext* context);

// A node that is left to the stock runtime; `reason` is a code like "declined:dtype-int8".
class Declined : public std::runtime_error {
 public:
  Declined(int node, const std::string& why) : std::runtime_error("declined:" + why), node(node) {}
  const int node;  // index of the node to leave out
};

// The type's name in reasons, such as "int8"; or "other".
const char* type_name(TfLiteType type);

// Throws Declined if the tensor has another type.
void require_type(const OpNode& node, const TfLiteTensor& tensor, TfLiteType type);

// The name of the node's output tensor; converters join the names of all that they fused with ';',
// of which the first is kept.
std::string name_of(const TfLiteContext& context, const OpNode& node);

// Whether it is a convolution, including fully connected, depthwise and transposed ones.
bool is_convolution(const OpNode& node);

}  // namespace patternlite::tflite
