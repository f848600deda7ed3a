// Which engine this is.
#pragma once

namespace patternlite {

// Its version and a hash of its sources: what was timed with another one tells nothing of it. Built
// with Bazel, its version alone.
const char* engine_build();

}  // namespace patternlite
