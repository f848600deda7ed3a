// What the cost model has to say about running one convolution.
#pragma once

#include <vector>

#include "engine/pack/packed_convolution.h"
#include "engine/recognise/cost_model.h"
#include "engine/recognise/recognise.h"

namespace patternlite {

struct Candidate {
  Choice choice;
  double cost;  // as CostModel::cost
};

// The choices whose cost is at most `within` times the least, cheapest first; never none.
std::vector<Candidate> candidates(const Analysis& analysis, const CostModel& model, double within);

// The choice of this kernel, which runs the convolution.
Candidate candidate_of(ConvKernel kernel, const Analysis& analysis, const CostModel& model);

}  // namespace patternlite
