// Channels of one or more maps in another order.
#pragma once

#include <vector>

#include "mnn/translate/copied_box.h"
#include "mnn/translate/operands.h"

namespace patternlite::mnn {

// What a Raster copies from one map, the same of each image.
struct Piece {
  const Operand* input;
  CopiedBox box;
};

// Of pieces that are all of their maps' rows and columns; empty unless they make up the output.
std::vector<Operator> channel_move(const Operands& operands, const std::vector<Piece>& pieces);

}  // namespace patternlite::mnn
