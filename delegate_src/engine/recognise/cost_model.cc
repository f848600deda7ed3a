#include "engine/recognise/cost_model.h"

#include <algorithm>
#include <array>

#include "engine/graph/phase_split.h"
#include "engine/graph/pitch.h"
#include "engine/graph/rewrite.h"
#include "engine/recognise/winograd_window.h"
#include "engine/support/split.h"

namespace patternlite {
namespace {

// All constants were measured with benchmarks/cpp. On cores with two 512-bit multiply-add pipes,
// loads hold G = 1 and 2 back further, to 0.35 and 0.60: trying kernels (plan/) compensates for
// that.

// The shares of the peak that kernels reach in the multiplications they make, by ConvKernel. Loads
// that cross cache lines hold G = 1 and 2 back, more so with wider vectors. For IS, after its
// inputs have been gathered.
using Efficiencies = std::array<double, kConvKernels.size()>;
constexpr Efficiencies kWide = {0.50, 0.80, 0.88, 0.88, 0.70, 0.75};    // 16 lanes
constexpr Efficiencies kMiddle = {0.52, 0.78, 0.84, 0.72, 0.75, 0.65};  // 8
constexpr Efficiencies kNarrow = {0.80, 0.85, 0.82, 0.72, 0.80, 0.65};  // 4

// IS: per position, to gather an input (once per block of filters), and to begin and end a sum.
constexpr double kGatherCost = 5.4;
constexpr double kSumCost = 28;
// IS on maps of one vector, where every accumulator waits for its own store.
constexpr double kOneVectorShare = 0.6;

// OS at stride 2: to split the inputs, per position and phase.
constexpr double kSplitCost = 5.5;

// Winograd: to transform an input.
constexpr double kTransformCost = 20;

// XNNPACK: the share of the peak that its dense convolutions reach, and its depthwise ones.
constexpr double kStockEfficiency = 0.85;
constexpr double kStockDepthwiseEfficiency = 0.28;

// Depthwise: per position of a plane, and per tap of it, which is a load that crosses cache lines.
constexpr double kPlaneCost = 13, kPlaneTapCost = 2.5;
// The same if the columns of a row are not neighbours, or rows differ in pitch.
constexpr double kStridedPlaneCost = 25, kStridedPlaneTapCost = 5;

// Fully connected, with 16 lanes: to read a weight from memory, in ours and in XNNPACK, and
// additionally to gather the input of a sparse one.
constexpr double kDenseWeightCost = 20;
constexpr double kSparseWeightCost = 36;

constexpr double kBorderCost = 20;  // per float

// Memory is equally fast whatever the number of lanes, but the unit of cost is not.
double memory_scale(const kernels::KernelTable& kernels) { return kernels.lanes / double{kVector}; }

double fully_connected_cost(const Sparsity& sparsity, const kernels::KernelTable& kernels) {
  const double weights = sparsity.nonzero / std::max(sparsity.density, 1e-9);
  return memory_scale(kernels) * (sparse_fc_pays(sparsity.density)
                                      ? sparsity.nonzero * kSparseWeightCost
                                      : weights * kDenseWeightCost);
}

double depthwise_cost(const Window& window, const Sparsity& sparsity, const PlanarLayout& input,
                      const PlanarLayout& output) {
  const bool planes = keeps_positions(window, input, output);
  const double positions =
      planes ? output.padded_positions()
             : output.shape.height * PlanarLayout::round_up(output.shape.width, kHalfVector);
  return positions * ((planes ? kPlaneCost : kStridedPlaneCost) * output.shape.channels +
                      (planes ? kPlaneTapCost : kStridedPlaneTapCost) * sparsity.nonzero);
}

double least_cost(const Convolution& conv, const LoneConvolution& lone, const Sparsity& sparsity,
                  const kernels::KernelTable& kernels, bool by_winograd) {
  const auto& [w, input, output] = lone;
  if (sparsity.fully_connected) return fully_connected_cost(sparsity, kernels);
  if (conv.depthwise) return depthwise_cost(w, sparsity, input, output);
  const CostModel model(w, input, output, kernels);
  const double dense_work =
      static_cast<double>(output.shape.channels) * input.shape.channels * w.kernel_h * w.kernel_w;
  double best = std::min(model.cost(ConvKernel::kBc16, dense_work),
                         model.cost(ConvKernel::kIs, dense_work * sparsity.record_density));
  if (by_winograd && model.runs(ConvKernel::kWinograd)) {
    best = std::min(best, model.cost(ConvKernel::kWinograd, dense_work));
  }
  for (ConvKernel kernel :
       {ConvKernel::kOs1, ConvKernel::kOs2, ConvKernel::kOs4, ConvKernel::kBc16}) {
    if (!model.runs(kernel) || sparsity.shared_group % group_size(kernel) != 0) continue;
    best = std::min(best, model.cost(kernel, dense_work * sparsity.density));
  }
  return best;
}

}  // namespace

CostModel::CostModel(const Window& window, const PlanarLayout& input, const PlanarLayout& output,
                     const kernels::KernelTable& kernels)
    : window_(window), input_(input), output_(output), kernels_(kernels) {}

bool CostModel::runs(ConvKernel kernel) const {
  if (kernel == ConvKernel::kBc16 || kernel == ConvKernel::kIs) return true;
  if (kernel == ConvKernel::kWinograd) return winograd_runs(window_, input_.shape, output_.shape);
  return keeps_positions(window_, input_, output_) ||
         (window_.strided() && PhaseSplit::possible(window_, output_));
}

double CostModel::cost(ConvKernel kernel, double work) const {
  return positions(kernel) * (work / efficiency(kernel) + overhead(kernel));
}

double CostModel::work_within(ConvKernel kernel, double limit) const {
  return (limit / positions(kernel) - overhead(kernel)) * efficiency(kernel);
}

double CostModel::efficiency(ConvKernel kernel) const {
  const Efficiencies& shares = kernels_.lanes >= 16  ? kWide
                               : kernels_.lanes == 8 ? kMiddle
                                                     : kNarrow;
  double share = shares[static_cast<std::size_t>(kernel)];
  if (kernel == ConvKernel::kWinograd) share /= winograd_share(window_);
  const bool one_vector =
      kernel == ConvKernel::kIs && output_.shape.height * output_.shape.width <= kernels_.lanes;
  return one_vector ? share * kOneVectorShare : share;
}

// OS also computes pad columns, IS (as if it gathered) whole vectors or halves of the widest, and
// Winograd whole blocks of a row; BC computes only real positions.
double CostModel::positions(ConvKernel kernel) const {
  const int real = output_.shape.height * output_.shape.width;
  if (kernel == ConvKernel::kBc16) return real;
  if (kernel == ConvKernel::kIs) {
    return PlanarLayout::round_up(real, std::min(kernels_.lanes, kHalfVector));
  }
  if (kernel == ConvKernel::kWinograd) {
    return output_.shape.height * PlanarLayout::round_up(output_.shape.width, kVector);
  }
  return PlanarLayout::round_up(output_.positions(), kHalfVector);
}

double CostModel::overhead(ConvKernel kernel) const {
  if (kernel == ConvKernel::kWinograd) {
    return kTransformCost * input_.shape.channels * window_.stride_h * window_.stride_w;
  }
  if (kernel != ConvKernel::kIs && kernel != ConvKernel::kBc16 && window_.strided()) {
    const int phases = std::min(window_.kernel_h, 2) * std::min(window_.kernel_w, 2);
    return kSplitCost * phases * input_.shape.channels;
  }
  if (kernel != ConvKernel::kIs) return 0;
  const int block_filters = is_block_filters(kernels_.is_accumulators, kernels_.is_positions);
  const int blocks = (output_.shape.channels + block_filters - 1) / block_filters;
  // At stride 1 layers are read in place.
  if (keeps_positions(window_, input_, output_)) {
    return kSumCost * output_.shape.channels;
  }
  const double gathered =
      static_cast<double>(input_.shape.channels) * window_.kernel_h * window_.kernel_w * blocks;
  return kGatherCost * gathered + kSumCost * output_.shape.channels;
}

bool sparse_fc_pays(double density) { return density * kSparseWeightCost < kDenseWeightCost; }

double stock_cost(const Convolution& conv, const Shape& input, const Shape& output,
                  const kernels::KernelTable& kernels, int batch) {
  const double macs = dense_macs(conv, input, output);
  if (conv.depthwise) return macs / kStockDepthwiseEfficiency;
  if (is_fully_connected(conv, input, output)) {
    const double bringing = macs * memory_scale(kernels) * kDenseWeightCost / batch;
    return std::max(bringing, macs / kStockEfficiency);
  }
  return macs / kStockEfficiency;
}

double border_cost(double floats) { return floats * kBorderCost; }

double estimated_cost(const Convolution& conv, const Sparsity& sparsity, const Shape& input,
                      const Shape& output, const kernels::KernelTable& kernels, bool by_winograd) {
  const LoneConvolution lone = lay_out_alone(conv.window, input, output);
  const std::size_t read = lone.input.shape.elements();
  const double copy = read > input.elements() ? border_cost(read) : 0;
  return copy + least_cost(conv, lone, sparsity, kernels, by_winograd);
}

}  // namespace patternlite
