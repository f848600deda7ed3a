// Rasters: all that moves cells of maps, and computes nothing.
#pragma once

#include "mnn/translate/translation.h"

namespace patternlite::mnn {

// Of any Raster. Nothing runs here where the pieces that it copies are not the same in all images,
// mix axes, or make up the output in another way than as channels in another order, one map's rows
// and columns with zeros around them, or the interleaved parts of blocks.
Translation rearrangement();

}  // namespace patternlite::mnn
