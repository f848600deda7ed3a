// Saves what PackedConvolution::run_rows() overwrites before its rows.
#pragma once

#include "engine/graph/planar.h"

namespace patternlite {

// The positions before a row, from the beginning of a vector on, in all channels: saved at first,
// and put back when the rows have been computed.
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
