// Depthwise convolution with complete 5x5 windows: all taps in a row of inputs are made by shifting
// the results of two loads, for one or two rows of outputs.
#pragma once

#include "kernels/lanes.h"

#if PL_LANES == 16

namespace patternlite::kernels::PL_ISA {

// The weights of larger windows do not fit into the registers; smaller windows gain nothing.
inline constexpr int kWindow = 5;
inline constexpr int kWindowTaps = kWindow * kWindow;

// A vector of a's lanes from `First` on, followed by b's.
template <int First>
PL_INLINE V shifted(V a, V b) {
  if constexpr (First == 0) return a;
  const __m512i low = reinterpret_cast<__m512i>(a), high = reinterpret_cast<__m512i>(b);
  return reinterpret_cast<V>(_mm512_alignr_epi32(high, low, First));
}

// One filter of planes of one pitch.
class DepthwiseWindow {
 public:
  PL_INLINE DepthwiseWindow(const ConvDepthwise& conv, int group)
      : first_tap_(conv.input + conv.stream.offset[conv.stream.start[group]]),
        output_(conv.output + conv.stream.out_plane[group]),
        residual_(conv.epilogue.residual ? conv.epilogue.residual + conv.stream.out_plane[group]
                                         : nullptr),
        mask_(conv.mask),
        pitch_(conv.output_pitch),
        low_(conv.epilogue.low),
        high_(conv.epilogue.high),
        bias_(conv.stream.bias[group]) {
    const float* weights = conv.stream.weights + conv.stream.start[group];
    PL_UNROLL for (int t = 0; t < kHeld; ++t) {
      held_[t] = broadcast(weights[t]);
      pin(held_[t]);
    }
    last_row_ = weights + kHeld;
  }

  PL_INLINE void run(ptrdiff_t begin, ptrdiff_t end) const {
    const ptrdiff_t pitch = pitch_, beyond = ceil_div(pitch_, kLanes) * kLanes - pitch;
    if (beyond * 8 <= pitch) {
      // Positions beyond the end get the values that they will have anyway.
      for (; begin + 2 * pitch + beyond <= end; begin += 2 * pitch) {
        for (ptrdiff_t x = 0; x < pitch; x += kLanes) compute<2>(begin + x);
      }
      begin = begin / kLanes * kLanes;
    }
    for (; begin < end; begin += kLanes) compute<1>(begin);
  }

 private:
  // Besides sums and inputs, registers hold all rows of weights except the last.
  static constexpr int kHeld = kWindowTaps - kWindow;

  // Rows: 1 or 2.
  template <int Rows>
  PL_INLINE void compute(ptrdiff_t at) const {
    V sum[Rows];
    PL_UNROLL for (int r = 0; r < Rows; ++r) sum[r] = broadcast(bias_);
    add_rows<Rows>(first_tap_ + at, sum);
    PL_UNROLL for (int r = 0; r < Rows; ++r) finish(at + r * pitch_, sum[r]);
  }

  // Y: the input's row in the first sum's window; in the second's it is row Y - 1.
  template <int Rows, int Y = 0>
  PL_INLINE void add_rows(const float* input, V (&sum)[Rows]) const {
    add_taps<Rows, Y>(load(input), load(input + kLanes), sum);
    if constexpr (Y + 1 < kWindow + Rows - 1) add_rows<Rows, Y + 1>(input + pitch_, sum);
  }

  template <int Rows, int Y, int X = 0>
  PL_INLINE void add_taps(V a, V b, V (&sum)[Rows]) const {
    const V input = shifted<X>(a, b);
    if constexpr (Y < kWindow) sum[0] += input * weight(Y, X);
    if constexpr (Rows > 1 && Y > 0) sum[1] += input * weight(Y - 1, X);
    if constexpr (X + 1 < kWindow) add_taps<Rows, Y, X + 1>(a, b, sum);
  }

  PL_INLINE V weight(int y, int x) const {
    return y + 1 < kWindow ? held_[y * kWindow + x] : broadcast(last_row_[x]);
  }

  PL_INLINE void finish(ptrdiff_t at, V sum) const {
    if (residual_) sum += load(residual_ + at);
    store(output_ + at, Lanes<V>(mask_ + at).keep(clamp(sum, low_, high_)));
  }

  const float* first_tap_;
  float* output_;
  const float* residual_;
  const int32_t* mask_;
  int pitch_;
  float low_, high_, bias_;
  V held_[kHeld];
  const float* last_row_;
};

}  // namespace patternlite::kernels::PL_ISA

#endif
