// What a convolution's kernel does last.
#pragma once

#include "engine/graph/activation.h"
#include "kernels/kernels.h"

namespace patternlite {

// The epilogue without a residual.
inline kernels::Epilogue epilogue_of(Activation activation) {
  const Clamp clamp = clamp_of(activation);
  return {.residual = nullptr, .low = clamp.low, .high = clamp.high};
}

}  // namespace patternlite
