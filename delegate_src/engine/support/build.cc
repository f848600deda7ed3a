#include "engine/support/build.h"

#ifndef PATTERNLITE_BUILD
#error "the build defines PATTERNLITE_BUILD"
#endif

namespace patternlite {

const char* engine_build() { return PATTERNLITE_BUILD; }

}  // namespace patternlite
