// What can be told of convolutions that the engine knows nothing of.
#pragma once

#include <string>

#include "engine/recognise/decision.h"
#include "tflite/read/constants.h"
#include "tflite/read/node.h"

namespace patternlite::tflite {

// Of a convolution that stays with the stock runtime.
// Its zeros are counted like those of a convolution that is taken, where they can be read.
LayerReport declined_report(const TfLiteContext& context, const OpNode& node, Constants& constants,
                            const std::string& reason);

// Of a TRANSPOSE_CONV that has become these convolutions: the largest says how it runs.
LayerReport transposed_report(const TfLiteContext& context, const OpNode& node,
                              Constants& constants, std::span<const LayerReport> parts);

// Whether other delegates have replaced a convolution whose zeros would have been skipped here, or,
// with `force`, any that can be read.
bool others_took_layers(TfLiteContext* context, bool force);

}  // namespace patternlite::tflite
