// Which of the recorded operators run here, and what of theirs MNN gets to see.
#pragma once

#include <vector>

#include "mnn/model/recording.h"

namespace patternlite::mnn {

// [recorded]: layers that pay by themselves; runs of layers that save more than moving tensors in
// and out of them costs; other operators where they continue what runs here.
std::vector<bool> choose(const Recording& recording);

// [recorded]: those of `runs` that MNN has to run, too. Its Rasters convert a blocked tensor once
// for all of them, where the first one stands that needs it so.
std::vector<bool> needed_by_rasters(const Recording& recording, const std::vector<bool>& runs);

// [tensors]: those that `runs` write and somebody else reads.
std::vector<bool> exported(const Recording& recording, const std::vector<bool>& runs);

}  // namespace patternlite::mnn
