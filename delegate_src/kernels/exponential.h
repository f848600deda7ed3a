// exp of vectors.
#pragma once

#include "kernels/vec.h"

namespace patternlite::kernels::PL_ISA {

inline constexpr float kExpLeast = -87, kExpMost = 87;  // between them, results are normal numbers

// Of values between kExpLeast and kExpMost, or NaN: 2^n * 2^f with x log2 e = n + f, |f| <= 1/2.
// The polynomial for 2^f is within 2e-7 of it, fitted to the least relative error; f is wrong by
// |x| * 1e-7 at most.
PL_INLINE V exponential(V x) {
  constexpr float kRounds = 12582912;  // 1.5 * 2^23: what is added to it is rounded to integers
  constexpr int32_t kRoundsBits = 0x4B400000, kExponentBias = 127, kMantissaBits = 23;
  constexpr float kLog2OfE = 1.44269504f;
  constexpr float kTerms[] = {1.0f,         0.693147f,    0.24022242f,
                              0.055507336f, 0.009671513f, 0.0013264727f};
  const V rounded = x * broadcast(kLog2OfE) + broadcast(kRounds);
  const V f = x * broadcast(kLog2OfE) - (rounded - broadcast(kRounds));
  V sum = broadcast(kTerms[5]);
  PL_UNROLL for (int i = 4; i >= 0; --i) sum = sum * f + broadcast(kTerms[i]);
  const VI power = (reinterpret_cast<VI>(rounded) - kRoundsBits + kExponentBias) << kMantissaBits;
  return sum * reinterpret_cast<V>(power);
}

}  // namespace patternlite::kernels::PL_ISA
