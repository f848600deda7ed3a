// Constants, including those that a file stores as float16 behind a DEQUANTIZE, or without their
// zeros behind a DENSIFY. The outputs of these two have no data before the graph runs, so what they
// would compute is computed here.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "tflite/abi/abi.h"
#include "tflite/read/node.h"

namespace patternlite::tflite {

bool is_constant(const TfLiteTensor& tensor);

// The DEQUANTIZE and DENSIFY operators among `nodes`.
std::vector<OpNode> constant_decoders_of(std::span<const OpNode> nodes);

class Constants {
 public:
  // `decoders`: those of the whole graph, taken or not.
  Constants(const TfLiteContext& context, std::span<const OpNode> decoders);

  // Whether the tensor is a constant behind decoders.
  bool is_decoded(int tensor) const;

  // A float constant that `reader` reads; valid as long as this object. Throws Declined.
  std::span<const float> floats(const OpNode& reader, int tensor);

 private:
  // The way from a tensor back to what the file stores.
  struct Source {
    int tensor;
    bool dequantized = false, densified = false;
  };
  Source trace(int tensor) const;

  const TfLiteContext& context_;
  std::map<int, OpNode> decoder_of_;  // by the tensor it writes
  std::map<int, std::vector<float>> decoded_;
};

}  // namespace patternlite::tflite
