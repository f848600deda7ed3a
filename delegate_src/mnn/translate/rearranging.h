// Rasters: everything that moves cells of maps and computes nothing.
#pragma once

#include "mnn/translate/translation.h"

namespace patternlite::mnn {

// Translates any Raster. It does not run here if the pieces that it copies differ between images,
// mix axes, or make up the output in any way other than as channels in another order, one map's
// rows and columns with zeros around them, or interleaved parts of blocks.
Translation rearrangement();

}  // namespace patternlite::mnn
