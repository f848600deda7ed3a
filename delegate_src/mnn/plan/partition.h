// Which of the recorded operators run here, and what of theirs MNN gets to see.
#pragma once

#include <vector>

#include "mnn/model/recording.h"

namespace patternlite::mnn {

// [recorded]: layers that pay by themselves; runs of layers that save more than moving tensors in
// and out of them costs; other operators where they continue what runs here.
std::vector<bool> choose(const Recording& recording);

// [tensors]: those that `runs` write and somebody else reads.
std::vector<bool> exported(const Recording& recording, const std::vector<bool>& runs);

}  // namespace patternlite::mnn
