// Times candidates where the cost model is not sure and there is time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/pack/packed_convolution.h"
#include "engine/plan/candidates.h"
#include "engine/plan/choice_memory.h"
#include "engine/recognise/cost_model.h"
#include "engine/recognise/recognise.h"

namespace patternlite {

struct LayerToPlan {
  const PlanarConvolution& conv;
  const Analysis& analysis;
  CostModel model;
  std::uint64_t key = 0;
  std::vector<Candidate> candidates{};  // the first is packed; if there are more, they are tried
  bool known = false;                   // from a file, or chosen before
  std::unique_ptr<PackedConvolution> packed{};

  std::unique_ptr<PackedConvolution> pack(const Candidate& candidate,
                                          const kernels::KernelTable& kernels) const {
    return PackedConvolution::pack(conv, analysis.taps, candidate.choice, kernels);
  }
};

struct Tried {
  ChosenKernels settled;  // the fastest kernels, for the layers that there was time for
  double seconds;         // spent
};

// Puts the fastest candidate of each layer first, and packs each layer as its first candidate.
Tried try_candidates(std::vector<LayerToPlan>& layers, const kernels::KernelTable& kernels,
                     double seconds);

}  // namespace patternlite
