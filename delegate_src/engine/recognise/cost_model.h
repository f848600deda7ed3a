// How long a convolution is expected to take, in multiply-adds at the core's peak: what chooses the
// kernel of a layer, and whether a graph is worth taking from the stock runtime at all.
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

  // OS walks virtual positions of one pitch: at stride 1, of input rows as long as output rows; at
  // stride 2, of an input split into phases.
  bool runs(ConvKernel kernel) const;
  // Of `work` multiplications per output position, the zeros that groups or records add counted.
  double cost(ConvKernel kernel, double work) const;
  // The most work that costs no more than `limit`.
  double work_within(ConvKernel kernel, double limit) const;

 private:
  double efficiency(ConvKernel kernel) const;
  double positions(ConvKernel kernel) const;
  double overhead(ConvKernel kernel) const;  // per position, whatever the work

  Window window_;
  PlanarLayout input_, output_;
  const kernels::KernelTable& kernels_;
};

// Of the stock runtime's dense convolution, for each image of a batch: it brings the weights of a
// fully connected layer once for all of them.
double stock_cost(const Convolution& conv, const Shape& input, const Shape& output,
                  const kernels::KernelTable& kernels, int batch);

// Whether a fully connected layer of this density is faster with its zeros left out.
bool sparse_fc_pays(double density);

// Of bringing floats from the runtime's layout to planar or back.
double border_cost(double floats);

// Of the best kernel before any packing, from the recognised sparsity alone. by_winograd: whether
// Winograd's algorithm is one of them.
double estimated_cost(const Convolution& conv, const Sparsity& sparsity, const Shape& input,
                      const Shape& output, const kernels::KernelTable& kernels,
                      bool by_winograd = true);

}  // namespace patternlite
