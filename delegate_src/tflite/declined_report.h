// Reports of convolutions that the engine does not get.
#pragma once

#include <string>

#include "engine/recognise/decision.h"
#include "tflite/read/constants.h"
#include "tflite/read/node.h"

namespace patternlite::tflite {

// The report of a convolution that stays with the stock runtime. If its zeros can be read, they are
// counted as for a convolution that is taken.
LayerReport declined_report(const TfLiteContext& context, const OpNode& node, Constants& constants,
                            const std::string& reason);

// The report of a TRANSPOSE_CONV that became these convolutions: the largest says how it runs.
LayerReport transposed_report(const TfLiteContext& context, const OpNode& node,
                              Constants& constants, std::span<const LayerReport> parts);

// Whether another delegate has replaced a convolution whose zeros would have been skipped here, or,
// with `force`, any convolution that can be read.
bool others_took_layers(TfLiteContext* context, bool force);

}  // namespace patternlite::tflite
