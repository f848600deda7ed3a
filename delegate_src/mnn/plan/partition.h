// Which of the recorded operators run here, and which of their tensors MNN gets to see.
#pragma once

#include <vector>

#include "mnn/model/recording.h"

namespace patternlite::mnn {

// [recorded]: whether each runs here. These are layers that pay by themselves, runs of layers that
// save more than it costs to move tensors in and out of them, and other operators that continue
// what runs here.
std::vector<bool> choose(const Recording& recording);

// [recorded]: those of `runs` that MNN has to run, too. Its Rasters convert a blocked tensor once
// for all of them, at the first one that needs that.
std::vector<bool> needed_by_rasters(const Recording& recording, const std::vector<bool>& runs);

// [tensors]: those that `runs` write and something else reads.
std::vector<bool> exported(const Recording& recording, const std::vector<bool>& runs);

}  // namespace patternlite::mnn
