// How long a convolution is expected to take, in multiply-adds at the core's peak. This decides
// which kernel runs a layer, and whether a graph is worth taking from the stock runtime at all.
#pragma once

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "engine/recognise/conv_kernel.h"
#include "engine/recognise/recognise.h"
#include "kernels/kernels.h"

namespace patternlite {

// The costs of one convolution in each kernel.
class CostModel {
 public:
  CostModel(const Window& window, const PlanarLayout& input, const PlanarLayout& output,
            const kernels::KernelTable& kernels);

  // OS walks virtual positions, so input and output need one pitch: at stride 1 they have it if
  // their rows are equally long; at stride 2 the input is split into phases.
  bool runs(ConvKernel kernel) const;
  // The cost of `work` multiplications per output position, including those by the zeros that
  // groups or records add.
  double cost(ConvKernel kernel, double work) const;
  // The most `work` that costs no more than `limit`.
  double work_within(ConvKernel kernel, double limit) const;

 private:
  double efficiency(ConvKernel kernel) const;
  double positions(ConvKernel kernel) const;
  double overhead(ConvKernel kernel) const;  // per position, whatever the work

  Window window_;
  PlanarLayout input_, output_;
  const kernels::KernelTable& kernels_;
};

// The cost of the stock runtime's dense convolution, for each image of a batch: it reads the
// weights of a fully connected layer once for all images.
double stock_cost(const Convolution& conv, const Shape& input, const Shape& output,
                  const kernels::KernelTable& kernels, int batch);

// Whether a fully connected layer of this density is faster if its zeros are left out.
bool sparse_fc_pays(double density);

// The cost of converting floats from the runtime's layout to planar or back.
double border_cost(double floats);

// The cost with the best kernel, before any packing, from the recognised sparsity alone.
// by_winograd: whether Winograd's algorithm is among the kernels.
double estimated_cost(const Convolution& conv, const Sparsity& sparsity, const Shape& input,
                      const Shape& output, const kernels::KernelTable& kernels,
                      bool by_winograd = true);

}  // namespace patternlite
