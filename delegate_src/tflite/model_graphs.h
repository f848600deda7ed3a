// A graph among its model's graphs, as the runtime shows them to a delegate.
#pragma once

#include <cstdint>

#include "tflite/abi/abi.h"

namespace patternlite::tflite {

// The model's first graph identifies it, for all of its graphs.
struct GraphPlace {
  const TfLiteContext* first;
  int index;
};
GraphPlace place_of(TfLiteContext* graph);

// A hash of where a graph's constants lie, how large they are and how they begin.
std::uint64_t hash_of_constants(const TfLiteContext& graph);

// Removes the marks that a runtime leaves on tensors when it undoes delegates at a resize to apply
// them anew: if partitions differ from those before, it would take a tensor for another delegate's.
// Returns whether there were any.
bool forget_undone(TfLiteContext* graph);

}  // namespace patternlite::tflite
