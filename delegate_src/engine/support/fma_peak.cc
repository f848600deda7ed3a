#include "engine/support/fma_peak.h"

#include <time.h>

#include <algorithm>

namespace patternlite {
namespace {

constexpr int kChains = 12;  // enough to hide the latency of two pipes
constexpr int kSteps = 10000;

// Inlined into the functions below, each of which is compiled for its own ISA.
template <class V>
[[gnu::always_inline]] inline float multiply_add(float start) {
  V sum[kChains], x = V{} + start, w = V{} + 0.999f;
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) sum[i] = x + static_cast<float>(i);
  for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) sum[i] = sum[i] * w + x;
  }
#pragma GCC unroll 16
  for (int i = 1; i < kChains; ++i) sum[0] += sum[i];
  return sum[0][0];
}

typedef float V4 __attribute__((vector_size(16)));
float multiply_add4(float start) { return multiply_add<V4>(start); }
#ifdef __x86_64__
typedef float V8 __attribute__((vector_size(32)));
typedef float V16 __attribute__((vector_size(64)));
[[gnu::target("avx2,fma")]] float multiply_add8(float start) { return multiply_add<V8>(start); }
[[gnu::target("avx512f,avx512vl,avx512dq,avx512bw")]] float multiply_add16(float start) {
  return multiply_add<V16>(start);
}
#endif

}  // namespace

double fma_peak(int lanes) {
  float (*run)(float) = multiply_add4;
#ifdef __x86_64__
  if (lanes == 8) run = multiply_add8;
  if (lanes == 16) run = multiply_add16;
#endif
  double best = 1e9;
  volatile float sink = 1;
  for (int i = 0; i < 50; ++i) {
    timespec start, end;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    sink = run(sink * 1e-3f);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    best = std::min(best, (end.tv_sec - start.tv_sec) + 1e-9 * (end.tv_nsec - start.tv_nsec));
  }
  return static_cast<double>(kChains) * kSteps * lanes / best;
}

}  // namespace patternlite
