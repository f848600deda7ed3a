// From convolutions to packed ones: which kernel each gets. The cost model proposes; where it is
// not sure and there is time, the candidates are tried.
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

// Another kernel sums in another order: a choice by timing may change the last bits of a result
// from one process to the next. A directory, or no budget at all, makes results repeat.
struct TuneOptions {
  std::shared_ptr<TuneBudget> budget;  // for packing and timing candidates; null: none are tried
  double share = 1;                    // of what is left of it, at most, for these convolutions
  // With a budget: what was chosen before in this process is chosen again.
  bool remember = true;
  // Keeps choices between processes, tried or not: its files decide, whatever the budget. "": none.
  std::string directory;
  // Told, in one line, of a directory or file that is of no use. Never an error.
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

// Throws as check() does. `parallel` is what the convolutions will run on.
std::vector<PlannedConvolution> plan_convolutions(
    const std::vector<ConvolutionToPlan>& convolutions, const kernels::KernelTable& kernels,
    Parallel& parallel, const TuneOptions& tuning);

// The same choice, packed for layouts of other memory.
std::unique_ptr<PackedConvolution> pack_again(const ConvolutionToPlan& convolution,
                                              const std::optional<Choice>& choice,
                                              const kernels::KernelTable& kernels);

}  // namespace patternlite
