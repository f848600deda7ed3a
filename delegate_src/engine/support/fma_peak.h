// The multiply-add rate of one core, measured.
#pragma once

namespace patternlite {

// Multiply-adds per second (thread CPU time, fastest of several short runs) of vectors of `lanes`
// floats. Takes about 2 ms.
double fma_peak(int lanes);

}  // namespace patternlite
