#include "mnn/expectation.h"

#include <variant>

#include "engine/recognise/cost_model.h"
#include "engine/recognise/recognise.h"
#include "engine/support/isa.h"

namespace patternlite::mnn {
namespace {

// Measured layer by layer on ResNet-18's shapes and on 32 to 256 channels at 112 to 14 pixels, one
// thread, AVX-512 against MNN 3.6.1's AVX2 (pack 8).

// MNN's multiply-adds per second in 3x3 layers of stride 1 over those in others: 1.6 to 2.3, by
// shape; 1 on 7x7 maps. The most it may be, for a layer left to MNN loses less than one that gets
// slower.
constexpr double kWinogradGain = 2.3;
constexpr int kLeastWinogradMap = 10;
// To transform tiles costs more than it saves where there is little to do with them: a network's
// first layer, of 3 channels, runs at the pace of other layers.
constexpr int kLeastWinogradChannels = 16;
// 1x1 layers need no rearranging in MNN: nine tenths of the peak of its vectors.
constexpr double kPointwiseGain = 1.8;
// Vector operations per element of input and output, from blocked to planar and back.
constexpr double kElementCost = 2.5;
// As in judge(): what the model may err by.
constexpr double kLeastSpeedup = 1.15;

bool gains_by_winograd(const Convolution& conv, const Shape& input, const Shape& output) {
  const Window& w = conv.window;
  return !conv.depthwise && input.channels >= kLeastWinogradChannels && w.kernel_h == 3 &&
         w.kernel_w == 3 && w.stride_h == 1 && w.stride_w == 1 && w.dilation_h == 1 &&
         w.dilation_w == 1 && output.height >= kLeastWinogradMap &&
         output.width >= kLeastWinogradMap;
}

bool is_pointwise(const Window& w) { return w.kernel_h == 1 && w.kernel_w == 1; }

}  // namespace

double expected_gain(const Graph& graph, int pack, int batch) {
  const auto& conv = std::get<Convolution>(graph.nodes.at(0).op);
  const Shape &input = graph.tensors[conv.input], &output = graph.tensors[conv.output];
  const kernels::KernelTable& kernels = best_kernels();
  const double lanes = kernels.lanes;
  const Analysis analysis(conv, input, output);
  // MNN's Winograd tiles save in two dimensions, ours in one: where it has them, ours are no
  // reason.
  const bool their_tiles = gains_by_winograd(conv, input, output);
  const double ours = estimated_cost(conv, analysis.sparsity, input, output, kernels, !their_tiles);
  double theirs = stock_cost(conv, input, output, kernels, batch);
  // Memory sets the pace of fully connected layers, not the width of vectors.
  if (!analysis.sparsity.fully_connected) {
    theirs *= lanes / pack;
    if (is_pointwise(conv.window)) theirs /= kPointwiseGain;
  }
  if (their_tiles) theirs /= kWinogradGain;
  return theirs - kLeastSpeedup * ours;
}

double moving_cost(const Shape& shape) {
  return kElementCost * best_kernels().lanes * static_cast<double>(shape.elements());
}

}  // namespace patternlite::mnn
