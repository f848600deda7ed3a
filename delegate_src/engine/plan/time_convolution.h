// How long one convolution takes on this machine, which pruning weighs against the error it makes.
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

// Plans the convolution as a program would, then runs it at least twice, for about `budget` seconds
// including planning, with its weights as far from the core as in a network. No choice is
// remembered, so a second call does not depend on the first. Its tensor ids are not used. Throws
// std::invalid_argument if it is not valid or no kernel runs it.
ConvolutionTime time_convolution(const Convolution& conv, const Shape& input, const Shape& output,
                                 const kernels::KernelTable& kernels, Parallel& parallel,
                                 double budget);

}  // namespace patternlite
