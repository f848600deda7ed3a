#include "engine/plan/candidates.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace patternlite {
namespace {

// None when the kernel would cost more than `limit`.
std::optional<Candidate> propose(ConvKernel kernel, const Analysis& analysis,
                                 const CostModel& model, double limit) {
  const TapSets& taps = analysis.taps;
  if (kernel == ConvKernel::kIs || kernel == ConvKernel::kWinograd) {
    const bool dense = kernel == ConvKernel::kWinograd;  // whatever the zeros
    const double weights = static_cast<double>(taps.filters()) * taps.channels() * taps.area();
    const double cost =
        model.cost(kernel, weights * (dense ? 1.0 : analysis.sparsity.record_density));
    if (cost > limit) return std::nullopt;
    return {{{kernel, dense ? *group_filters(taps, group_size(kernel)) : Grouping{}}, cost}};
  }
  auto grouping = group_filters(taps, group_size(kernel), model.work_within(kernel, limit));
  if (!grouping) return std::nullopt;
  const double cost = model.cost(kernel, grouping->work);
  return {{{kernel, std::move(*grouping)}, cost}};
}

}  // namespace

std::vector<Candidate> candidates(const Analysis& analysis, const CostModel& model, double within) {
  std::vector<Candidate> found;
  double lowest = std::numeric_limits<double>::infinity();
  // Those that need no search for groups come first: they limit the search of the others.
  std::vector<ConvKernelTraits> order(kConvKernels.begin(), kConvKernels.end());
  std::ranges::stable_sort(order, {}, [](const auto& traits) { return traits.group; });
  for (const ConvKernelTraits& traits : order) {
    if (!model.runs(traits.kernel)) continue;
    // It multiplies every channel with every filter.
    if (traits.kernel == ConvKernel::kWinograd && analysis.taps.has_conv_groups()) continue;
    if (auto candidate = propose(traits.kernel, analysis, model, lowest * within)) {
      lowest = std::min(lowest, candidate->cost);
      found.push_back(std::move(*candidate));
    }
  }
  std::erase_if(found, [&](const Candidate& c) { return c.cost > lowest * within; });
  std::ranges::stable_sort(found, {}, &Candidate::cost);
  return found;
}

Candidate candidate_of(ConvKernel kernel, const Analysis& analysis, const CostModel& model) {
  return *propose(kernel, analysis, model, std::numeric_limits<double>::infinity());
}

}  // namespace patternlite
