// What must be known of an operator before its operands are read.
#pragma once

#include <cstddef>

#include "tflite/node.h"

namespace patternlite::tflite {

// Operands that it cannot do without: the first so many.
std::size_t least_operands(const OpNode& node);

// Whether it may have several outputs.
bool splits(const OpNode& node);

// Whether it reads a map whose channels come first (NCHW), or a tensor of any other axes.
bool reads_channels_first(const OpNode& node);
bool reads_views(const OpNode& node);

}  // namespace patternlite::tflite
