// Winograd's algorithm in one dimension, F(4, r): 4 outputs of an r-tap filter with r + 3 products
// instead of 4 r (Lavin & Gray, arXiv:1509.09308; constructed from points, as by Toom and Cook).
//
//   outputs = A ((G filter) * (B inputs)), the product taken point by point
//
// Used for packing filters (G) and for running them (A, B). Constants only: see CMakeLists.txt.
#pragma once

namespace patternlite::kernels {

inline constexpr int kWinogradOutputs = 4;
inline constexpr int kWinogradMostTaps = 4;
inline constexpr int kWinogradTiles = 4;  // computed at once, of neighbouring outputs

// The point after the last one here is infinity. They are small and of both signs, so that sums
// lose at most 1e-6.
inline constexpr double kWinogradPoint[] = {0, 1, -1, 0.5, -2, -0.5};

constexpr int winograd_points(int taps) { return taps + kWinogradOutputs - 1; }

template <int Points>
struct Winograd {
  static constexpr int kTaps = Points - kWinogradOutputs + 1;
  double outputs[kWinogradOutputs][Points] = {};  // A
  double filter[Points][kTaps] = {};              // G
  double inputs[Points][Points] = {};             // B

  constexpr Winograd() {
    constexpr int kFinite = Points - 1;
    for (int k = 0; k < kFinite; ++k) {
      const double point = kWinogradPoint[k];
      double scale = 1, power = 1;
      for (int other = 0; other < kFinite; ++other) {
        if (other != k) scale *= point - kWinogradPoint[other];
      }
      for (int i = 0; i < kWinogradOutputs; ++i, power *= point) outputs[i][k] = power;
      power = 1;
      for (int i = 0; i < kTaps; ++i, power *= point) filter[k][i] = power / scale;
      expand(inputs[k], k);
    }
    outputs[kWinogradOutputs - 1][kFinite] = 1;
    filter[kFinite][kTaps - 1] = 1;
    expand(inputs[kFinite], kFinite);
  }

 private:
  // Coefficients of the product of (x - point) over all finite points but the one at `left_out`.
  static constexpr void expand(double (&coefficient)[Points], int left_out) {
    coefficient[0] = 1;
    for (int k = 0, degree = 0; k < Points - 1; ++k) {
      if (k == left_out) continue;
      ++degree;
      for (int i = degree; i >= 0; --i) {
        coefficient[i] = (i > 0 ? coefficient[i - 1] : 0) - kWinogradPoint[k] * coefficient[i];
      }
    }
  }
};

}  // namespace patternlite::kernels
