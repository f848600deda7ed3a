// A graph among those of its model, as the runtime shows them to a delegate.
#pragma once

#include <cstdint>

#include "tflite/abi/abi.h"

namespace patternlite::tflite {

// The model's first graph is what all its graphs have in common.
struct GraphPlace {
  const TfLiteContext* first;
  int index;
};
GraphPlace place_of(TfLiteContext* graph);

// Where a graph's constants lie, how large they are and how they begin.
std::uint64_t hash_of_constants(const TfLiteContext& graph);

// A runtime that undoes delegates at a resize, to apply them anew, leaves their marks on tensors;
// where partitions differ from those before, it then takes a tensor for another delegate's.
// Whether there were any.
bool forget_undone(TfLiteContext* graph);

}  // namespace patternlite::tflite
