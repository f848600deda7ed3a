// The delegate: TFLite hands it a graph, it claims the partitions worth taking.
#pragma once

#include <vector>

#include "engine/recognise/decision.h"
#include "tflite/abi/abi.h"
#include "tflite/options.h"

namespace patternlite::tflite {

// Any number of interpreters may use one delegate. It may be destroyed before them unless they are
// resized afterwards: claimed partitions keep alive what they need, including the TfLiteDelegate
// itself, but some runtimes drop the partitions at a resize and then ask the delegate for new ones.
TfLiteDelegate* create_delegate(const Options& options);
void destroy_delegate(TfLiteDelegate* delegate);

// All convolutions of the model that the delegate was last applied to, graph by graph, in order, at
// the shapes that the model came with.
std::vector<LayerReport> layers_of(TfLiteDelegate* delegate);
// The peak memory of that model's activations in any run, at the shapes that it came with.
std::size_t activation_bytes_of(TfLiteDelegate* delegate);

}  // namespace patternlite::tflite
