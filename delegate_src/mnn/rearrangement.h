// Rasters: all that moves cells of maps, and computes nothing.
#pragma once

#include "mnn/translation.h"

namespace patternlite::mnn {

Translation rearrangement();

}  // namespace patternlite::mnn
