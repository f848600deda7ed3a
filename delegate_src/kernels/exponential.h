// exp of vectors.
#pragma once

#include "kernels/vec.h"

namespace patternlite::kernels::PL_ISA {

// sum of terms[i] * x^i
template <int Count>
PL_INLINE V polynomial(V x, const float (&terms)[Count]) {
  V sum = broadcast(terms[Count - 1]);
  PL_UNROLL for (int i = Count - 2; i >= 0; --i) sum = sum * x + broadcast(terms[i]);
  return sum;
}

// exp of any value: infinity if the result is too large for a float, or nearly so, and zero if it
// is too small. It is 2^n * 2^f with x log2 e = n + f, where f has an error of at most |x| * 1e-7.
// The polynomials for 2^f, fitted for the least relative error, are within 2e-7 of it.
PL_INLINE V exponential(V x) {
  constexpr float kLog2OfE = 1.44269504f;
#if PL_LANES == 16  // 0 <= f < 1
  constexpr int kDown = 1;
  constexpr float kTerms[] = {0.99999994f,  0.69315308f,   0.24015361f,
                              0.055826318f, 0.0089893406f, 0.0018775767f};
  const __m512 power = reinterpret_cast<__m512>(x * broadcast(kLog2OfE));
  const V two_to_f = polynomial(reinterpret_cast<V>(_mm512_reduce_ps(power, kDown)), kTerms);
  return reinterpret_cast<V>(_mm512_scalef_ps(reinterpret_cast<__m512>(two_to_f), power));
#else  // |f| <= 1/2
  // A number added to 1.5 * 2^23 is rounded to an integer, which is in the last bits of the sum.
  constexpr int32_t kExponentBias = 127, kMantissaBits = 23;
  constexpr float kRounds = 12582912 + kExponentBias;
  constexpr float kTerms[] = {1.0f,         0.693147f,    0.24022242f,
                              0.055507336f, 0.009671513f, 0.0013264727f};
  constexpr float kZero = -88, kInfinity = 89;  // their exponents are those of zero and infinity
  x = clamp(x, kZero, kInfinity);
  const V rounded = x * broadcast(kLog2OfE) + broadcast(kRounds);
  const V f = x * broadcast(kLog2OfE) - (rounded - broadcast(kRounds));
  const VI power = reinterpret_cast<VI>(rounded) << kMantissaBits;
  return polynomial(f, kTerms) * reinterpret_cast<V>(power);
#endif
}

}  // namespace patternlite::kernels::PL_ISA
