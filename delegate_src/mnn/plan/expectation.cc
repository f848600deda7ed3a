#include "mnn/plan/expectation.h"

#include <algorithm>
#include <array>
#include <variant>

#include "engine/recognise/cost_model.h"
#include "engine/support/isa.h"

namespace patternlite::mnn {
namespace {

// Measured layer by layer on ResNet-18's shapes, on 32 to 256 channels at 112 to 14 pixels and on
// kernels of 2x2 to 7x7, one thread, AVX-512 against MNN 3.6.1's AVX2 (pack 8).

// MNN's multiply-adds per second in layers of square kernels at stride 1, which it runs by
// Winograd's algorithm, over those in others; by the kernel's side. About the most it was in any
// shape (3x3: 1.6 to 2.3), for a layer left to MNN loses less than one that gets slower.
constexpr std::array kWinogradGain = {1.0, 1.0, 1.6, 2.3, 3.3, 4.6, 3.3, 2.3};
// On smaller maps, of less than a position for two channels (512 on 7x7), to bring the transformed
// weights costs what the tiles save.
constexpr int kLeastWinogradMap = 10;
// To transform tiles costs more than it saves where there is little to do with them: a network's
// first layer, of 3 channels, runs at the pace of other layers.
constexpr int kLeastWinogradChannels = 8;
// 1x1 layers need no rearranging in MNN: nine tenths of the peak of its vectors.
constexpr double kPointwiseGain = 1.8;
// Without tiles, MNN's AVX2 kernels reach less than half of what AVX2 can do.
constexpr double kAvx2Slowness = 2;
// Fully connected layers whose dense weights stay in a core's cache from one inference to the next:
// MNN brings a weight in this share of stock_cost()'s time. Ours save little there, and take this
// for each unit and once more; measured with 64 to 2048 units and inputs, 10 and 25 % of weights
// kept.
constexpr double kMostCachedWeights = 1 << 18, kCachedShare = 0.3;
constexpr double kUnitCost = 700, kStepCost = 140'000;
// Vector operations per element of input and output, from blocked to planar and back.
constexpr double kElementCost = 2.5;
// As in judge(): what the model may err by.
constexpr double kLeastSpeedup = 1.15;

double winograd_gain(const Convolution& conv, const Shape& input, const Shape& output) {
  const Window& w = conv.window;
  const auto side = static_cast<std::size_t>(w.kernel_h);
  const int channels = channels_per_filter(conv, input);  // MNN runs groups one by one
  const bool tiles = w.kernel_w == w.kernel_h && side < kWinogradGain.size() && !w.strided() &&
                     w.dilation_h == 1 && w.dilation_w == 1;
  const bool large = std::min(output.height, output.width) >= kLeastWinogradMap ||
                     2 * output.height * output.width >= channels;
  return tiles && large && channels >= kLeastWinogradChannels ? kWinogradGain[side] : 1;
}

// How many times as long as XNNPACK's (stock_cost()) MNN's kernels take.
double mnn_slowness(double lanes, int pack, bool by_tiles) {
  const bool both_avx2 = lanes == kHalfVector && pack == kHalfVector;
  return both_avx2 && !by_tiles ? kAvx2Slowness : lanes / pack;
}

// Of a fully connected layer, for each image.
double cached_gain(double theirs, double ours, int units, double lanes) {
  const double handling = (kUnitCost * units + kStepCost) * lanes / kVector;
  return kCachedShare * theirs - kLeastSpeedup * ours - handling;
}

bool is_pointwise(const Window& w) { return w.kernel_h == 1 && w.kernel_w == 1; }

}  // namespace

double expected_gain(const Graph& graph, const Sparsity& sparsity, int pack, int batch) {
  const auto& conv = std::get<Convolution>(graph.nodes.at(0).op);
  const Shape &input = graph.tensors[conv.input], &output = graph.tensors[conv.output];
  const kernels::KernelTable& kernels = best_kernels();
  const double lanes = kernels.lanes;
  // MNN's Winograd tiles save in two dimensions, ours in one: where it has them, ours are no
  // reason.
  const double their_tiles = winograd_gain(conv, input, output);
  const double ours = estimated_cost(conv, sparsity, input, output, kernels, their_tiles == 1);
  double theirs = stock_cost(conv, input, output, kernels, batch) / their_tiles;
  if (sparsity.fully_connected) {  // memory sets the pace, not the width of vectors
    const bool cached = dense_macs(conv, input, output) <= kMostCachedWeights;
    if (cached) return cached_gain(theirs, ours, output.channels, lanes);
  } else {
    theirs *= mnn_slowness(lanes, pack, their_tiles != 1);
    if (is_pointwise(conv.window)) theirs /= kPointwiseGain;
  }
  return theirs - kLeastSpeedup * ours;
}

double moving_cost(const Shape& shape) {
  return kElementCost * best_kernels().lanes * static_cast<double>(shape.elements());
}

}  // namespace patternlite::mnn
