#include "tflite/declined_report.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "engine/recognise/recognise.h"
#include "tflite/read/parameters.h"

namespace patternlite::tflite {
namespace {

// `dims`: of the weights. Throws Declined where they cannot be read.
Sparsity sparsity_of(const OpNode& node, std::span<const int> dims, Constants& constants) {
  const std::span<const float> weights = constants.floats(node, node.inputs[1]);
  const auto elements =
      std::accumulate(dims.begin(), dims.end(), std::size_t{1}, std::multiplies());
  if (elements == 0 || weights.size() != elements) throw Declined(node.index, "weights-shape");
  if (dims.size() == 2) {
    const Shape input{dims[1], 1, 1}, output{dims[0], 1, 1};
    const Convolution dense{.input = 0, .output = 1, .weights = view_of(weights.data(), input)};
    return Analysis(dense, input, output).sparsity;
  }
  if (dims.size() != 4) throw Declined(node.index, "rank");
  const bool depthwise = node.builtin_code == kTfLiteBuiltinDepthwiseConv2d;
  const Shape kernel{dims[3], dims[1], dims[2]};
  const Convolution convolution{.input = 0,
                                .output = 1,
                                .window = {.kernel_h = kernel.height, .kernel_w = kernel.width},
                                .weights = view_of(weights.data(), kernel, depthwise)};
  return recognise(depthwise ? TapSets(convolution, dims[3], 1)
                             : TapSets(convolution, dims[0], dims[3]));
}

}  // namespace

LayerReport declined_report(const TfLiteContext& context, const OpNode& node, Constants& constants,
                            const std::string& reason) {
  const std::span<const int> kernel = items(context.tensors[node.inputs[1]].dims);
  const std::span<const int> map = items(context.tensors[node.outputs[0]].dims);
  const bool transposed = node.builtin_code == kTfLiteBuiltinTransposeConv;

  std::string kind;
  Shape output;
  int channels = 0;
  double weights_per_output = 0;
  if (!map.empty()) output.channels = map.back();
  if (map.size() == 4) {
    output.height = map[1];
    output.width = map[2];
  }
  if (node.builtin_code == kTfLiteBuiltinFullyConnected) {
    kind = "fc";
    output.height = output.width = 1;
    if (kernel.size() == 2) channels = kernel[1];
    weights_per_output = channels;
  } else if (kernel.size() == 4) {
    const bool depthwise = node.builtin_code == kTfLiteBuiltinDepthwiseConv2d;
    // All convolutions' parameters begin with padding, stride_width, stride_height.
    const auto& params = node.params_as<TfLiteConvParams>();
    kind = kind_of(transposed  ? "transposed"
                   : depthwise ? "depthwise"
                               : "conv",
                   {.kernel_h = kernel[1],
                    .kernel_w = kernel[2],
                    .stride_h = params.stride_height,
                    .stride_w = params.stride_width});
    channels = kernel[3];
    weights_per_output = static_cast<double>(kernel[1]) * kernel[2] * (depthwise ? 1 : channels);
  }
  // Transposed kernels lie at the positions of their input.
  const std::span<const int> from =
      transposed ? items(context.tensors[node.inputs[2]].dims) : std::span<const int>();
  const double positions = from.size() == 4 ? static_cast<double>(from[1]) * from[2]
                                            : static_cast<double>(output.height) * output.width;
  LayerReport report = stock_report(name_of(context, node), std::move(kind), reason, output,
                                    channels, weights_per_output * output.channels * positions);
  try {
    const Sparsity sparsity = sparsity_of(node, kernel, constants);
    report.kept_macs *= sparsity.density;
    report.kernels_kept = sparsity.kernels_kept;
    report.patterns = sparsity.patterns;
  } catch (const Declined&) {  // weights of another type, say
  }
  return report;
}

LayerReport transposed_report(const TfLiteContext& context, const OpNode& node,
                              Constants& constants, std::span<const LayerReport> parts) {
  const LayerReport& largest = *std::ranges::max_element(parts, {}, &LayerReport::dense_macs);
  LayerReport whole = declined_report(context, node, constants, largest.reason);
  whole.outcome = largest.outcome;
  whole.kernel = largest.kernel;
  whole.dense_macs = whole.kept_macs = 0;
  for (const LayerReport& part : parts) {
    whole.dense_macs += part.dense_macs;
    whole.kept_macs += part.kept_macs;
    whole.weight_bytes += part.weight_bytes;
  }
  return whole;
}

bool others_took_layers(TfLiteContext* context, bool force) {
  const std::vector<OpNode> nodes = read_replaced(context);
  Constants constants(*context, constant_decoders_of(nodes));
  return std::ranges::any_of(nodes, [&](const OpNode& node) {
    if (!is_convolution(node)) return false;
    try {
      const std::span<const int> dims = items(context->tensors[node.inputs[1]].dims);
      const Outcome outcome = outcome_of(sparsity_of(node, dims, constants));
      return force || outcome == Outcome::kSparse;
    } catch (const Declined&) {
      return false;
    }
  });
}

}  // namespace patternlite::tflite
