// GraphReader's translation of the operators whose output is interleaved from smaller maps.
#include "engine/support/counted.h"
#include "tflite/read/graph_reader.h"
#include "tflite/read/parameters.h"

namespace patternlite::tflite {
namespace {

// Along one axis: the taps of a transposed kernel, no smaller than the stride, that reach the
// outputs of a phase are every stride-th, and as a convolution meets them in the opposite order.
struct PhaseTaps {
  int count, last, pad;  // number; tap that the convolution's first one is; zeros in front
  PhaseTaps(int phase, int kernel, int stride, int pad_before) {
    const int first = (phase + pad_before) % stride;
    count = (kernel - first + stride - 1) / stride;
    last = first + (count - 1) * stride;
    pad = count - 1 - (phase + pad_before) / stride;
  }
};

}  // namespace

void GraphReader::add_transposed_convolution(const OpNode& node) {
  const auto& params = node.params_as<TfLiteTransposeConvParams>();
  const Value input = unpadded_value(node, 2);
  const std::vector<int> dims = constant_ints(node, 0);                    // N, H, W, O
  const std::span<const int> kernel = items(tensor(node.inputs[1]).dims);  // O, H, W, I
  const Shape shape = shape_of(input);
  if (input.dims.size() != 4 || dims.size() != 4 || kernel.size() != 4) {
    throw Declined(node.index, "rank");
  }
  const int block = params.stride_height, filters = kernel[0];
  require_window(node, params.stride_height, params.stride_width);
  // A smaller kernel leaves gaps.
  require_window(node, kernel[1] - block + 1, kernel[2] - block + 1);
  if (params.stride_width != block || dims[1] < block || dims[2] < block) {
    throw Declined(node.index, "window");
  }
  const Axis rows = slide(params.padding, dims[1], kernel[1], block, 1);
  const Axis columns = slide(params.padding, dims[2], kernel[2], block, 1);
  if (kernel[3] != shape.channels || dims[0] != input.batch || dims[3] != filters ||
      rows.output != shape.height || columns.output != shape.width) {
    throw Declined(node.index, "shapes");
  }
  const Activation activation = read_activation(node, params.activation);
  const WeightsView whole = view_of(weights(node), {kernel[3], kernel[1], kernel[2]});
  const float* filter_bias = bias(node, 3, filters);
  Interleaving interleaving{{}, kNoTensor, block, {}};
  interleaving.channels.assign(std::size_t(block) * block, counted(filters));
  for (int i = 0; i < block * block; ++i) {
    const PhaseTaps y(i / block, kernel[1], block, rows.pad);
    const PhaseTaps x(i % block, kernel[2], block, columns.pad);
    if (y.pad < 0 || x.pad < 0) throw Declined(node.index, "window");
    const Shape part{filters, interleaved(dims[1], block, i / block),
                     interleaved(dims[2], block, i % block)};
    Convolution convolution{
        .input = input.id,
        .output = graph_.add_tensor(part),
        .window = {.kernel_h = y.count, .kernel_w = x.count, .pad_top = y.pad, .pad_left = x.pad},
        .weights = whole,
        .bias = filter_bias,
        .activation = activation};
    convolution.weights.data += y.last * whole.row_stride + x.last * whole.column_stride;
    convolution.weights.row_stride *= -block;
    convolution.weights.column_stride *= -block;
    interleaving.inputs.push_back(convolution.output);
    push(node, convolution);
    convolution_nodes_.push_back(node.index);
  }
  Value& output = define(node, input, {filters, dims[1], dims[2]}, dims, activation);
  output.fixed_size = true;
  interleaving.output = output.id;
  push(node, std::move(interleaving));
}

void GraphReader::add_depth_to_space(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  const int block = node.params_as<TfLiteDepthToSpaceParams>().block_size;
  const Shape shape = shape_of(input);
  if (input.dims.size() != 4) throw Declined(node.index, "rank");
  require_window(node, block, block);
  const int channels = shape.channels / block / block;
  if (channels < 1 || shape.channels % (block * block)) throw Declined(node.index, "shapes");
  std::vector<std::vector<int>> parts;
  for (int i = 0; i < block * block; ++i) {
    parts.push_back(Steps{i * channels, channels}.cells());
  }
  interleaved_parts(node, input, parts, block,
                    {input.batch, shape.height * block, shape.width * block, channels});
}

GraphReader::Value GraphReader::interleaved_parts(const OpNode& node, const Value& source,
                                                  const std::vector<std::vector<int>>& parts,
                                                  int block, std::vector<int> dims) {
  const Shape shape = shape_of(source);
  const int channels = static_cast<int>(parts[0].size());
  Interleaving interleaving{std::vector(parts.size(), source.id), kNoTensor, block, parts};
  const Value& output = define_moved(
      node, source, {channels, shape.height * block, shape.width * block}, std::move(dims));
  interleaving.output = output.id;
  push(node, std::move(interleaving));
  return output;
}

}  // namespace patternlite::tflite
