// A report line for a convolution that stays with the stock runtime.
#pragma once

#include <string>

#include "engine/recognise/decision.h"
#include "tflite/constants.h"
#include "tflite/node.h"

namespace patternlite::tflite {

// Its zeros are counted like those of a convolution that is taken, where they can be read.
LayerReport declined_report(const TfLiteContext& context, const OpNode& node, Constants& constants,
                            const std::string& reason);

}  // namespace patternlite::tflite
