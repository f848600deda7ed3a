// How long one convolution takes on this machine: what pruning weighs against the error it makes.
#pragma once

#include <string>

#include "engine/graph/graph.h"
#include "engine/support/parallel.h"
#include "kernels/kernels.h"

namespace patternlite {

struct ConvolutionTime {
  double seconds;      // of the fastest run
  std::string kernel;  // that the planner chose
};

// Plans the convolution as a program would, then runs it for about `budget` seconds, planning
// included, and at least twice, its weights as far away as in a network. No choice is remembered:
// who asks again hears what does not depend on the first time. Its tensor ids are not used. Throws
// std::invalid_argument where it is no valid graph or no kernel runs it.
ConvolutionTime time_convolution(const Convolution& conv, const Shape& input, const Shape& output,
                                 const kernels::KernelTable& kernels, Parallel& parallel,
                                 double budget);

}  // namespace patternlite
