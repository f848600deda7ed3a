// Normalisation over the channels of each position, and over the positions of each channel, on
// planar tensors.
#pragma once

#include "kernels/vec.h"

namespace patternlite::kernels::PL_ISA {

// Normalises so many vectors from `at` on, of the last one `last` elements. The variance is
// computed from differences from the mean, since it would be lost in the squares of large values.
template <int Vectors>
void norm_vectors(const Norm& norm, size_t at, int last) {
  const float* const input = norm.input + at;
  float* const output = norm.output + at;
  const V part = broadcast(1.0f / static_cast<float>(norm.planes.channels));
  V mean[Vectors] = {}, factor[Vectors] = {};
  const float* plane = input;
  for (int c = 0; c < norm.planes.channels; ++c, plane += norm.planes.plane) {
    PL_UNROLL for (int v = 0; v < Vectors; ++v) mean[v] += load(plane + v * kLanes);
  }
  PL_UNROLL for (int v = 0; v < Vectors; ++v) mean[v] *= part;
  plane = input;
  for (int c = 0; c < norm.planes.channels; ++c, plane += norm.planes.plane) {
    PL_UNROLL for (int v = 0; v < Vectors; ++v) {
      const V difference = load(plane + v * kLanes) - mean[v];
      factor[v] += difference * difference;
    }
  }
  PL_UNROLL for (int v = 0; v < Vectors; ++v) {
    factor[v] = broadcast(1) / square_root(factor[v] * part + broadcast(norm.epsilon));
  }
  plane = input;
  float* to = output;
  for (int c = 0; c < norm.planes.channels;
       ++c, plane += norm.planes.plane, to += norm.planes.plane) {
    const V scale = broadcast(norm.scales[c]), shift = broadcast(norm.shifts[c]);
    PL_UNROLL for (int v = 0; v < Vectors; ++v) {
      const V difference = load(plane + v * kLanes) - mean[v];
      const V normed = difference * (factor[v] * scale) + shift;
      if (v + 1 < Vectors) {
        store(to + v * kLanes, normed);
      } else {
        store_part(to + v * kLanes, normed, last);
      }
    }
  }
}

// Normalises `count` elements, with only as many vectors as they fill.
template <int Vectors>
PL_INLINE void norm_elements(const Norm& norm, size_t at, int count) {
  if constexpr (Vectors > 1) {
    if (count <= (Vectors - 1) * kLanes) return norm_elements<Vectors - 1>(norm, at, count);
  }
  norm_vectors<Vectors>(norm, at, count - (Vectors - 1) * kLanes);
}

inline void channel_norm(const Norm& norm) {
  constexpr int kVectors = kRegisters == 32 ? 4 : 2;  // of means and of factors, in registers
  for (int y = 0; y < norm.planes.height; ++y) {
    const size_t row = static_cast<size_t>(y) * norm.planes.pitch;
    for (int x = 0; x < norm.planes.width; x += kVectors * kLanes) {
      norm_elements<kVectors>(norm, row + x, min(kVectors * kLanes, norm.planes.width - x));
    }
  }
}

// Adds up visit(vector) over the real positions of a plane.
template <class Visit>
PL_INLINE float sum_of_plane(const Norm& norm, const float* plane, const Visit& visit) {
  V sum{};
  for (int y = 0; y < norm.planes.height; ++y, plane += norm.planes.pitch) {
    for (int x = 0; x < norm.planes.width; x += kLanes) {
      const int count = min(kLanes, norm.planes.width - x);
      sum += first_lanes(visit(load(plane + x)), count);
    }
  }
  return horizontal_sum(sum);
}

inline void instance_norm(const Norm& norm) {
  const float part =
      1.0f / (static_cast<float>(norm.planes.height) * static_cast<float>(norm.planes.width));
  for (int c = 0; c < norm.planes.channels; ++c) {
    const float* plane = norm.input + c * norm.planes.plane;
    const V mean = broadcast(part * sum_of_plane(norm, plane, [](V v) { return v; }));
    const auto square = [mean](V v) { return (v - mean) * (v - mean); };
    const V variance = broadcast(part * sum_of_plane(norm, plane, square) + norm.epsilon);
    const V factor = broadcast(norm.scales[c]) / square_root(variance);
    const V shift = broadcast(norm.shifts[c]);
    float* output = norm.output + c * norm.planes.plane;
    for (int y = 0; y < norm.planes.height;
         ++y, plane += norm.planes.pitch, output += norm.planes.pitch) {
      for (int x = 0; x < norm.planes.width; x += kLanes) {
        const V v = (load(plane + x) - mean) * factor + shift;
        store_part(output + x, v, min(kLanes, norm.planes.width - x));
      }
    }
  }
}

}  // namespace patternlite::kernels::PL_ISA
