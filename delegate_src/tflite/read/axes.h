// How the axes of a TFLite tensor relate to the map that it holds.
//
// RESHAPE cuts axes into factors and joins them, TRANSPOSE moves them. Networks combine these to
// shuffle channels, or to turn channels into positions, and onnx2tf puts TRANSPOSEs around what it
// leaves as it was in PyTorch. Their combined effect is known at the last one.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace patternlite::tflite {

enum class MapAxis { kBatch, kRows, kColumns, kChannels };

// A factor of an index along an axis of the map: `size` values, `stride` apart.
struct Factor {
  MapAxis of;
  int size, stride;
  bool operator==(const Factor&) const = default;
};

// The factors that make up one axis of a tensor, in order of descending steps; none has size 1.
using Factors = std::vector<Factor>;

// The sums of their steps, in the order of the tensor's axis.
std::vector<int> steps_of(std::span<const Factor> factors);

// How the axes of a tensor are those of a map: output cell (y, x) of a channel is cell
// (y / block, x / block) of input channel parts[y % block * block + x % block][channel].
struct MapOfParts {
  int block;
  std::vector<std::vector<int>> parts;
};

class Axes {
 public:
  // The axes of the map itself: N, H, W and C.
  static Axes of_map(int batch, int height, int width, int channels);

  std::vector<int> dims() const;
  // The axes after a RESHAPE to these sizes; nothing if they cut a factor unevenly.
  std::optional<Axes> reshaped(std::span<const int> dims) const;
  // order: must name each axis once.
  Axes transposed(std::span<const int> order) const;

  // Whether elements are in the same order as in the map.
  bool in_order(const Axes& map) const;
  // These axes as N, H, W, C of another map, made of this one's channels; nothing if they are not.
  std::optional<MapOfParts> as_map(const Axes& map) const;

  bool operator==(const Axes&) const = default;

 private:
  Factors flat() const;

  std::vector<Factors> axes_;
};

}  // namespace patternlite::tflite
