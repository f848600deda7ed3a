// Which engine this is.
#pragma once

namespace patternlite {

// The engine's version and a hash of its sources, since timings of another engine mean nothing for
// this one. Built with Bazel, the version alone.
const char* engine_build();

}  // namespace patternlite
