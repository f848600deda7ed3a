// Copies of channels, from one or more maps, in another order.
#pragma once

#include <vector>

#include "mnn/translate/copied_box.h"
#include "mnn/translate/operands.h"

namespace patternlite::mnn {

// What a Raster copies from one map, the same for each image.
struct Piece {
  const Operand* input;
  CopiedBox box;
};

// Translates pieces with all rows and columns of their maps; empty unless they make up the output.
std::vector<Operator> channel_move(const Operands& operands, const std::vector<Piece>& pieces);

}  // namespace patternlite::mnn
