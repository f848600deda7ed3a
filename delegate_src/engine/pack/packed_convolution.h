// One convolution, packed for planar tensors of a given layout: what Programs and the MNN backend
// run.
#pragma once

#include <memory>
#include <string>

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "engine/support/parallel.h"
#include "kernels/kernels.h"

namespace patternlite {

class PackedConvolution {
 public:
  // conv's tensor ids are not used; input.border must be at least required_border(conv.window,
  // ...).
  static std::unique_ptr<PackedConvolution> pack(const Convolution& conv, const PlanarLayout& input,
                                                 const PlanarLayout& output,
                                                 const kernels::KernelTable& kernels);
  virtual ~PackedConvolution() = default;

  // Planar tensors (pointers to row 0, column 0 of channel 0). residual: the output's layout, added
  // before the activation, or null.
  virtual void run(const float* input, const float* residual, float* output,
                   Parallel& parallel) const = 0;

  virtual std::string kernel_name() const = 0;
  virtual std::size_t weight_bytes() const = 0;
};

}  // namespace patternlite
