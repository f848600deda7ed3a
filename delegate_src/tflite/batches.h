// Partitions in which the number of images is not the same everywhere.
#pragma once

#include <span>
#include <vector>

#include "tflite/read/graph_reader.h"

namespace patternlite::tflite {

// The nodes, by index, to leave out of a partition so that all its inputs have one batch: each
// image of the largest would compute anew what a smaller one computes once. TFLite puts nodes into
// a partition that have nothing to do with each other; the most of those that agree stay.
std::vector<int> nodes_of_other_batches(const TfLiteContext& context, const Constants& constants,
                                        std::span<const OpNode> nodes,
                                        const PartitionGraph& partition);

}  // namespace patternlite::tflite
