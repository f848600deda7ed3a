// Partitions whose inputs do not all have the same number of images.
#pragma once

#include <span>
#include <vector>

#include "tflite/read/graph_reader.h"

namespace patternlite::tflite {

// The nodes, by index, to leave out of a partition so that all its inputs have the same batch:
// otherwise what a smaller batch computes once would be computed for each image of the largest.
// TFLite also puts unrelated nodes into one partition; the largest number that agree stay.
std::vector<int> nodes_of_other_batches(const TfLiteContext& context, const Constants& constants,
                                        std::span<const OpNode> nodes,
                                        const PartitionGraph& partition);

}  // namespace patternlite::tflite
