// The vector type of one ISA, made with GCC/Clang vector extensions.
//
// Included only by table.cc, which is compiled once per ISA (PL_ISA, PL_LANES). No standard library
// header may be included here or in the kernels: see CMakeLists.txt.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "kernels/kernels.h"

// Full unrolling keeps arrays of accumulators in registers.
#ifdef __clang__
#define PL_UNROLL _Pragma("unroll")
#else
#define PL_UNROLL _Pragma("GCC unroll 32")
#endif
#define PL_INLINE inline __attribute__((always_inline))

namespace patternlite::kernels::PL_ISA {

inline constexpr int kLanes = PL_LANES;
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kRegisters = 32;
#else
inline constexpr int kRegisters = 16;
#endif

typedef float V __attribute__((vector_size(PL_LANES * 4)));
typedef int32_t VI __attribute__((vector_size(PL_LANES * 4)));
typedef float V4 __attribute__((vector_size(16)));
// Half a vector: on small maps, much of the widest vectors would be wasted.
typedef float VHalf __attribute__((vector_size(PL_LANES * 2)));

template <class T = V>
PL_INLINE T load(const float* p) {
  T v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
PL_INLINE void store(float* p, T v) {
  __builtin_memcpy(p, &v, sizeof v);
}

// Prefetches the cache lines of so many floats from p on: for writing (1) or reading (0), into the
// first-level cache (3) or the second (2). Aligned: p is at the beginning of a line.
template <int Floats, int Write, int Level, bool Aligned>
PL_INLINE void fetch_lines(const float* p) {
  constexpr int kLine = 16;
  PL_UNROLL for (int i = 0; i < Floats; i += kLine) __builtin_prefetch(p + i, Write, Level);
  if (!Aligned) __builtin_prefetch(p + Floats - 1, Write, Level);
}

// Keeps a value in a register from here on. Compilers would otherwise repeat a load in every
// instruction that uses it, and an address computation at every access; but these kernels are
// limited by loads.
template <class T>
PL_INLINE void pin(T& x) {
#if defined(__x86_64__)
  asm("" : "+v"(x));
#elif defined(__aarch64__)
  asm("" : "+w"(x));
#endif
}
PL_INLINE void pin(const float*& p) { asm("" : "+r"(p)); }

// sum += x * w, in the form that overwrites only `sum`. When all registers are in use, compilers
// choose forms that overwrite x or w, and pay with copies and spills.
template <class T>
PL_INLINE void accumulate(T& sum, T x, T w) {
#if defined(__FMA__)
  asm("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
#else
  sum += x * w;
#endif
}

// x - 0 is x for every x, so compilers recognise a broadcast.
template <class T = V>
PL_INLINE T broadcast(float x) {
  return x - T{};
}

PL_INLINE VHalf low_half(V x) {
#if PL_LANES == 16
  return reinterpret_cast<VHalf>(_mm512_castps512_ps256(reinterpret_cast<__m512>(x)));
#else
  VHalf half;
  __builtin_memcpy(&half, &x, sizeof half);
  return half;
#endif
}

PL_INLINE V square_root(V x) {
#if PL_LANES == 16
  return reinterpret_cast<V>(_mm512_sqrt_ps(reinterpret_cast<__m512>(x)));
#elif PL_LANES == 8
  return reinterpret_cast<V>(_mm256_sqrt_ps(reinterpret_cast<__m256>(x)));
#else
  for (int i = 0; i < kLanes; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

// NaN stays NaN: it compares false, and then the x86 instructions return their second operand.
template <class T>
PL_INLINE T clamp(T x, T low, T high) {
#if PL_LANES == 16
  if constexpr (sizeof(T) == 64) {
    return reinterpret_cast<T>(
        _mm512_min_ps(reinterpret_cast<__m512>(high),
                      _mm512_max_ps(reinterpret_cast<__m512>(low), reinterpret_cast<__m512>(x))));
  }
#endif
  x = x < low ? low : x;
  return x > high ? high : x;
}
template <class T>
PL_INLINE T clamp(T x, float low, float high) {
  return clamp(x, broadcast<T>(low), broadcast<T>(high));
}
PL_INLINE float clamp(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

// Loads the first `count` (1 or more) elements and reads nothing beyond them, where another thread
// may be writing.
PL_INLINE V load_part(const float* p, int count) {
#if PL_LANES == 16
  const auto lanes = static_cast<__mmask16>((1u << count) - 1);
  return reinterpret_cast<V>(_mm512_maskz_loadu_ps(lanes, p));
#elif PL_LANES == 8
  if (count == PL_LANES) return load(p);
  const __m256i lanes =
      _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  return reinterpret_cast<V>(_mm256_maskload_ps(p, lanes));
#else
  if (count == PL_LANES) return load(p);
  V v{};
  for (int i = 0; i < count; ++i) v[i] = p[i];
  return v;
#endif
}

// Keeps the first `count` lanes; the others become 0, whatever they were.
PL_INLINE V first_lanes(V v, int count) {
#if PL_LANES == 16
  const auto lanes = static_cast<__mmask16>((1u << count) - 1);
  return reinterpret_cast<V>(_mm512_maskz_mov_ps(lanes, reinterpret_cast<__m512>(v)));
#else
  VI lane;
  for (int i = 0; i < kLanes; ++i) lane[i] = i;
  return reinterpret_cast<V>(reinterpret_cast<VI>(v) & (lane < count));
#endif
}

// The sum of all lanes, by adding halves.
PL_INLINE float horizontal_sum(V x) {
#if PL_LANES == 16
  return _mm512_reduce_add_ps(reinterpret_cast<__m512>(x));
#else
#if PL_LANES == 8
  const V4 four = reinterpret_cast<V4>(_mm256_castps256_ps128(x) + _mm256_extractf128_ps(x, 1));
#else
  const V4 four = x;
#endif
  return (four[0] + four[2]) + (four[1] + four[3]);
#endif
}

#if PL_LANES == 8
// Stores fewer than 8 elements. On AMD's CPUs a masked store takes longer, and so does a loop,
// which compilers turn into a call of memcpy.
PL_INLINE void store_first(float* p, __m256 v, int count) {
  __m128 x = _mm256_castps256_ps128(v);
  if (count & 4) {
    _mm_storeu_ps(p, x);
    x = _mm256_extractf128_ps(v, 1);
    p += 4;
  }
  if (count & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), x);
    x = _mm_movehl_ps(x, x);
    p += 2;
  }
  if (count & 1) _mm_store_ss(p, x);
}
#endif

// Stores the first `count` (1 or more) elements and touches nothing beyond them.
template <class T>
PL_INLINE void store_part(float* p, T v, int count) {
#if PL_LANES == 16
  const auto lanes = static_cast<__mmask16>((1u << count) - 1);
  if constexpr (sizeof(T) == 64) {
    _mm512_mask_storeu_ps(p, lanes, reinterpret_cast<__m512>(v));
  } else {
    _mm256_mask_storeu_ps(p, static_cast<__mmask8>(lanes), reinterpret_cast<__m256>(v));
  }
#else
  if (count == sizeof(T) / sizeof(float)) return store(p, v);
#if PL_LANES == 8
  if constexpr (sizeof(T) == 32) return store_first(p, reinterpret_cast<__m256>(v), count);
#endif
  for (int i = 0; i < count; ++i) p[i] = v[i];
#endif
}

// Stores the first `count` (1 .. lanes / 4) groups of four elements of a vector, `step` apart.
PL_INLINE void store_quads(float* p, V v, [[maybe_unused]] int count,
                           [[maybe_unused]] ptrdiff_t step) {
#if PL_LANES == 16
  const __m512 x = reinterpret_cast<__m512>(v);
  _mm_storeu_ps(p, _mm512_castps512_ps128(x));
  if (count > 1) _mm_storeu_ps(p + step, _mm512_extractf32x4_ps(x, 1));
  if (count > 2) _mm_storeu_ps(p + 2 * step, _mm512_extractf32x4_ps(x, 2));
  if (count > 3) _mm_storeu_ps(p + 3 * step, _mm512_extractf32x4_ps(x, 3));
#elif PL_LANES == 8
  const __m256 x = reinterpret_cast<__m256>(v);
  _mm_storeu_ps(p, _mm256_castps256_ps128(x));
  if (count > 1) _mm_storeu_ps(p + step, _mm256_extractf128_ps(x, 1));
#else
  store(p, v);
#endif
}

// Transposes a 4 x 4 matrix.
PL_INLINE void transpose(V4 (&x)[4]) {
#ifdef __clang__
#define PL_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
  typedef int32_t I4 __attribute__((vector_size(16)));
#define PL_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, I4{__VA_ARGS__})
#endif
  const V4 a = PL_SHUFFLE(x[0], x[1], 0, 4, 1, 5), b = PL_SHUFFLE(x[0], x[1], 2, 6, 3, 7);
  const V4 c = PL_SHUFFLE(x[2], x[3], 0, 4, 1, 5), d = PL_SHUFFLE(x[2], x[3], 2, 6, 3, 7);
  x[0] = PL_SHUFFLE(a, c, 0, 1, 4, 5);
  x[1] = PL_SHUFFLE(a, c, 2, 3, 6, 7);
  x[2] = PL_SHUFFLE(b, d, 0, 1, 4, 5);
  x[3] = PL_SHUFFLE(b, d, 2, 3, 6, 7);
#undef PL_SHUFFLE
}

PL_INLINE int min(int a, int b) { return a < b ? a : b; }
PL_INLINE int max(int a, int b) { return a > b ? a : b; }
PL_INLINE int ceil_div(int a, int b) { return (a + b - 1) / b; }

}  // namespace patternlite::kernels::PL_ISA
