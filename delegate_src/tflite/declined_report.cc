#include "tflite/declined_report.h"

#include <functional>
#include <numeric>

#include "engine/recognise/recognise.h"
#include "tflite/parameters.h"

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

  LayerReport report;
  report.name = name_of(context, node);
  report.reason = reason;
  report.kernel = "stock";
  if (!map.empty()) report.filters = map.back();
  if (map.size() == 4) {
    report.height = map[1];
    report.width = map[2];
  }
  double weights_per_output = 0;
  if (node.builtin_code == kTfLiteBuiltinFullyConnected) {
    report.kind = "fc";
    report.height = report.width = 1;
    if (kernel.size() == 2) report.channels = kernel[1];
    weights_per_output = report.channels;
  } else if (kernel.size() == 4) {
    const bool depthwise = node.builtin_code == kTfLiteBuiltinDepthwiseConv2d;
    report.kind = (depthwise ? "depthwise" : "conv") + std::to_string(kernel[1]) + "x" +
                  std::to_string(kernel[2]);
    // Both convolutions' parameters begin with padding, stride_width, stride_height.
    const int stride = node.params_as<TfLiteConvParams>().stride_height;
    if (stride > 1) report.kind.append("s").append(std::to_string(stride));
    report.channels = kernel[3];
    weights_per_output = static_cast<double>(kernel[1]) * kernel[2] * (depthwise ? 1 : kernel[3]);
  }
  report.dense_macs = weights_per_output * report.filters * report.height * report.width;
  report.kept_macs = report.dense_macs;
  report.kernels_kept = 1;
  try {
    const Sparsity sparsity = sparsity_of(node, kernel, constants);
    report.kept_macs *= sparsity.density;
    report.kernels_kept = sparsity.kernels_kept;
    report.patterns = sparsity.patterns;
  } catch (const Declined&) {  // weights of another type, say
  }
  return report;
}

}  // namespace patternlite::tflite
