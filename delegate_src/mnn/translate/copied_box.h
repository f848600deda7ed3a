// What one region of a Raster copies, in terms of channels, rows and columns.
#pragma once

#include <optional>
#include <vector>

#include "mnn/abi/abi.h"
#include "mnn/model/map_tensor.h"

namespace patternlite::mnn {

// Along one axis: the output's cell to[i] is the input's cell from[i].
struct CopiedAxis {
  std::vector<int> to, from;
  bool operator==(const CopiedAxis&) const = default;
};

struct CopiedBox {
  CopiedAxis channels, rows, columns;
  std::vector<int> images;  // of the batch: the same box in each
};

// Nothing if an axis of the output combines several of the input's, or if it is no copy of cells.
std::optional<CopiedBox> copied_box(const abi::Region& region, const MapTensor& from,
                                    const MapTensor& to);

// The number with which each channel of the output is filled, in all images, by a region that
// copies from these constants; empty if it does anything else.
std::vector<float> spread_elements(const abi::Region& region, const std::vector<float>& elements,
                                   const MapTensor& to);

}  // namespace patternlite::mnn
