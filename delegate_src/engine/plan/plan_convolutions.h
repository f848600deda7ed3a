// Chooses a kernel for each convolution and packs it. The cost model proposes candidates; where it
// is not sure and there is time, these are tried.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/pack/packed_convolution.h"
#include "engine/plan/tune_budget.h"
#include "engine/recognise/recognise.h"
#include "engine/support/parallel.h"

namespace patternlite {

// Other kernels add in other orders, so choosing by timing may change the last bits of a result
// from one process to the next. With a directory, or without any budget, results are repeatable.
struct TuneOptions {
  std::shared_ptr<TuneBudget> budget;  // for packing and timing candidates; null: none are tried
  double share = 1;                    // the most of what is left of it for these convolutions
  // With a budget, choices that were made before in this process are made again.
  bool remember = true;
  // Keeps choices between processes, timed or not: its files decide, whatever the budget. "": none.
  std::string directory;
  // Called, with one line of text, for a directory or file that is of no use; never an error.
  std::function<void(const std::string&)> warn;
};

struct ConvolutionToPlan {
  PlanarConvolution conv;
  const Analysis* analysis;
};

struct PlannedConvolution {
  std::unique_ptr<PackedConvolution> packed;
  std::optional<Choice> choice;  // none: there was only one way
};

// Throws as check() does. `parallel`: what the convolutions will run on.
std::vector<PlannedConvolution> plan_convolutions(
    const std::vector<ConvolutionToPlan>& convolutions, const kernels::KernelTable& kernels,
    Parallel& parallel, const TuneOptions& tuning);

// Packs the same choice for other layouts.
std::unique_ptr<PackedConvolution> pack_again(const ConvolutionToPlan& convolution,
                                              const std::optional<Choice>& choice,
                                              const kernels::KernelTable& kernels);

}  // namespace patternlite
