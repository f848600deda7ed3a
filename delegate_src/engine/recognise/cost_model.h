// How long a convolution is expected to take, in cycles of perfect multiply-adds: what chooses the
// kernel of a layer, and whether a graph is worth taking from the stock runtime at all.
#pragma once

#include "engine/graph/graph.h"
#include "engine/graph/planar.h"
#include "engine/recognise/recognise.h"

namespace patternlite {

enum class ConvKernel { kOs1, kOs2, kOs4, kIs, kBc16 };

// "os-g1", "os-g2", "os-g4", "is", "bc-g16".
const char* name_of(ConvKernel kernel);

// Filters that share their taps in this kernel.
int group_size(ConvKernel kernel);

// OS walks virtual positions of one pitch: stride 1 and input rows as long as output rows.
bool runs(ConvKernel kernel, const Convolution& conv, const PlanarLayout& input,
          const PlanarLayout& output);

// Expected cost of `work` multiplications per output position (zeros that groups or records add
// counted).
double cost(ConvKernel kernel, double work, const PlanarLayout& output);
// The most work that keeps the cost at `limit`.
double work_within(ConvKernel kernel, double limit, const PlanarLayout& output);

// Expected cost of the stock runtime's dense convolution, in the same unit.
double stock_cost(double dense_macs);

// Expected cost of bringing one float from the runtime's layout to planar or back.
double border_cost(double floats);

// Expected cost here before any packing, from the recognised sparsity alone.
double estimated_cost(const Convolution& conv, const Sparsity& sparsity, const Shape& input,
                      const Shape& output);

}  // namespace patternlite
