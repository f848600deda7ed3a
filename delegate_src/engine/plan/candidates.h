// The ways to run one convolution, by the cost model.
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

// The choices whose cost is at most `within` times the least, cheapest first; at least one.
std::vector<Candidate> candidates(const Analysis& analysis, const CostModel& model, double within);

// The choice of this kernel, which must be able to run the convolution.
Candidate candidate_of(ConvKernel kernel, const Analysis& analysis, const CostModel& model);

}  // namespace patternlite
