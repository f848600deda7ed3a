// What PackedConvolution::run_rows() overwrites before its rows.
#pragma once

#include "engine/graph/planar.h"

namespace patternlite {

// The positions from a whole vector on to a row, of all channels: saved, to be put back when the
// rows have been computed.
class KeptPositions {
 public:
  // output: row 0, column 0 of channel 0. scratch: of floats_to_keep(layout) floats.
  KeptPositions(const PlanarLayout& layout, int row, float* output, float* scratch);

  void put_back() const;

 private:
  PlanarLayout layout_;
  float* first_;  // of channel 0
  int count_;     // in each channel
  float* scratch_;
};

std::size_t floats_to_keep(const PlanarLayout& layout);

}  // namespace patternlite
