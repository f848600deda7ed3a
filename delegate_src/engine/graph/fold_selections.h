// Selections of channels that need no tensor of their own.
#pragma once

#include "engine/graph/graph.h"

namespace patternlite {

// Selections and interleavings read what is no selection; parts of a map that a concatenation has
// in a row and that are all of it are the map; and what nobody reads any more goes. There are no
// aliases.
void fold_selections(Graph& graph);

}  // namespace patternlite
