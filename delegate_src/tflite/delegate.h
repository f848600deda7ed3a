// The delegate: TFLite hands it a graph, it claims the partitions worth taking.
#pragma once

#include <vector>

#include "engine/recognise/decision.h"
#include "tflite/abi/abi.h"
#include "tflite/options.h"

namespace patternlite::tflite {

// Any number of interpreters may use one delegate. It may be destroyed before them, if they are not
// resized afterwards: claimed partitions keep alive what they need, the TfLiteDelegate itself
// included, but some runtimes drop the partitions at a resize and then ask the delegate for new
// ones.
TfLiteDelegate* create_delegate(const Options& options);
void destroy_delegate(TfLiteDelegate* delegate);

// Every convolution of the model that the delegate was last applied to, graph by graph, in their
// order, at the shapes it came with.
std::vector<LayerReport> layers_of(TfLiteDelegate* delegate);
// What that model's activations take, at the shapes it came with: the peak of any run.
std::size_t activation_bytes_of(TfLiteDelegate* delegate);

}  // namespace patternlite::tflite
