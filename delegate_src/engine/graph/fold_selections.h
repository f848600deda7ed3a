// Selections of channels that need no tensor of their own.
#pragma once

#include "engine/graph/graph.h"

namespace patternlite {

// Afterwards selections and interleavings read no other selections; parts that a concatenation has
// in a row and that make up a whole map are replaced by that map; and what nobody reads any more is
// gone. The graph must not have aliases.
void fold_selections(Graph& graph);

}  // namespace patternlite
