// Small networks for the tests of the engine.
#pragma once

#include <utility>

#include "engine/weight_store.h"

namespace patternlite::test {

// Builds graphs the way an adaptor does, one operator after the other.
class GraphBuilder {
 public:
  explicit GraphBuilder(unsigned seed) : store_(seed) {}

  TensorId input(Shape shape) {
    graph.inputs.push_back(graph.add_tensor(shape));
    return graph.inputs.back();
  }
  TensorId conv(TensorId from, int filters, const Window& window, int pad_bottom, int pad_right,
                Pruning pruning, Activation activation = Activation::kNone,
                bool depthwise = false) {
    const Shape shape = graph.tensors[from];
    Convolution op{
        .input = from, .window = window, .activation = activation, .depthwise = depthwise};
    store_.fill(op, filters, depthwise ? 1 : shape.channels, pruning);
    return add(op, window_shape(shape, filters, window, pad_bottom, pad_right));
  }
  TensorId conv(TensorId from, int filters, int kernel, int stride, int pad, Pruning pruning,
                Activation activation = Activation::kNone) {
    return conv(from, filters, square(kernel, stride, pad), pad, pad, pruning, activation);
  }
  // As large as its input. groups: divides the channels and the filters.
  TensorId grouped(TensorId from, int filters, int kernel, int groups, Pruning pruning) {
    const Shape shape = graph.tensors[from];
    Convolution op{.input = from, .window = square(kernel, 1, kernel / 2)};
    store_.fill(op, filters, shape.channels / groups, pruning);
    op.weights.group_filters = filters / groups;
    op.weights.group_channels = shape.channels / groups;
    return add(op, {filters, shape.height, shape.width});
  }
  TensorId depthwise(TensorId from, int kernel, int stride, int pad, Pruning pruning,
                     Activation activation = Activation::kNone) {
    return conv(from, graph.tensors[from].channels, square(kernel, stride, pad), pad, pad, pruning,
                activation, true);
  }
  // 3x3, as large as its input.
  TensorId dilated(TensorId from, int filters, int dilation, Pruning pruning) {
    const Window window{3, 3, 1, 1, dilation, dilation, dilation, dilation};
    return conv(from, filters, window, dilation, dilation, pruning);
  }
  // A convolution over the whole map.
  TensorId fully_connected(TensorId from, int units, Pruning pruning) {
    const Shape shape = graph.tensors[from];
    Convolution op{.input = from,
                   .window = {.kernel_h = shape.height, .kernel_w = shape.width},
                   .activation = Activation::kRelu};
    store_.fill(op, units, shape.channels, pruning);
    return add(op, {units, 1, 1});
  }
  TensorId pool(TensorId from, PoolMode mode, int kernel, int stride, int pad) {
    const Shape shape = graph.tensors[from];
    const Pooling op{.input = from, .mode = mode, .window = square(kernel, stride, pad)};
    return add(op, window_shape(shape, shape.channels, op.window, pad, pad));
  }
  TensorId mean(TensorId from) {
    const Shape shape = graph.tensors[from];
    Pooling op{.input = from,
               .mode = PoolMode::kAverage,
               .window = {.kernel_h = shape.height, .kernel_w = shape.width}};
    return add(op, {shape.channels, 1, 1});
  }
  TensorId pad(TensorId from, int before, int after) {
    return pad(from, before, before, after, after);
  }
  TensorId pad(TensorId from, int top, int left, int bottom, int right) {
    const Shape shape = graph.tensors[from];
    return add(Padding{from, kNoTensor, top, left, bottom, right},
               {shape.channels, shape.height + top + bottom, shape.width + left + right});
  }
  TensorId sum(TensorId a, TensorId b, Activation activation) {
    return add(Addition{a, b, kNoTensor, activation}, graph.tensors[a]);
  }
  TensorId product(TensorId a, TensorId b, Activation activation) {
    return add(Multiplication{a, b, kNoTensor, activation}, graph.tensors[a]);
  }
  TensorId activate(TensorId from, Activation activation) {
    return add(ActivationOp{from, kNoTensor, activation}, graph.tensors[from]);
  }
  TensorId bend(TensorId from, Curve curve, std::vector<float> slopes = {}) {
    return add(CurveOp{from, kNoTensor, curve, std::move(slopes)}, graph.tensors[from]);
  }
  TensorId scale(TensorId from, std::vector<float> scales, std::vector<float> shifts,
                 Activation activation) {
    return add(Scaling{from, kNoTensor, std::move(scales), std::move(shifts), activation},
               graph.tensors[from]);
  }
  // Op: ChannelNorm or InstanceNorm.
  template <typename Op>
  TensorId norm(TensorId from, std::vector<float> scales, std::vector<float> shifts) {
    return add(Op{from, kNoTensor, std::move(scales), std::move(shifts), 1e-3f},
               graph.tensors[from]);
  }
  TensorId concatenate(std::vector<TensorId> parts) {
    Shape whole;
    for (const TensorId part : parts) {
      const Shape& shape = graph.tensors[part];
      whole = {whole.channels + shape.channels, shape.height, shape.width};
    }
    return add(Concatenation{std::move(parts), kNoTensor}, whole);
  }
  TensorId select(TensorId from, std::vector<int> channels) {
    Shape shape = graph.tensors[from];
    shape.channels = static_cast<int>(channels.size());
    return add(ChannelSelection{from, kNoTensor, std::move(channels)}, shape);
  }
  // parts: block * block, of which the first has all columns and rows that any has.
  TensorId interleave(std::vector<TensorId> parts, int block) {
    const Shape &first = graph.tensors[parts.front()], &last = graph.tensors[parts.back()];
    const Shape whole{first.channels, first.height * (block - 1) + last.height,
                      first.width * (block - 1) + last.width};
    std::vector<int> all(first.channels);
    std::iota(all.begin(), all.end(), 0);
    const std::vector channels(parts.size(), all);
    return add(Interleaving{std::move(parts), kNoTensor, block, channels}, whole);
  }
  TensorId resize(TensorId from, std::vector<int> rows, std::vector<int> columns) {
    const Shape shape{graph.tensors[from].channels, static_cast<int>(rows.size()),
                      static_cast<int>(columns.size())};
    return add(Resize{from, kNoTensor, std::move(rows), std::move(columns)}, shape);
  }
  TensorId resize(TensorId from, std::vector<Blend> rows, std::vector<Blend> columns) {
    const Shape shape{graph.tensors[from].channels, static_cast<int>(rows.size()),
                      static_cast<int>(columns.size())};
    return add(BilinearResize{from, kNoTensor, std::move(rows), std::move(columns)}, shape);
  }
  TensorId softmax(TensorId from, float beta) {
    return add(Softmax{from, kNoTensor, beta}, graph.tensors[from]);
  }
  TensorId alias(TensorId from) { return add(Alias{from, kNoTensor}, graph.tensors[from]); }

  Graph graph;
  std::mt19937& random() { return store_.random; }

 private:
  static Window square(int kernel, int stride, int pad) {
    return {kernel, kernel, stride, stride, 1, 1, pad, pad};
  }
  template <typename Op>
  TensorId add(Op op, Shape shape) {
    op.output = graph.add_tensor(shape);
    graph.nodes.push_back({op, "node" + std::to_string(graph.nodes.size())});
    return op.output;
  }
  WeightStore store_;
};

inline constexpr Pruning kPattern{.kernels_kept = 0.5, .taps = 4};

// A residual network with all operators, as the converters write it.
inline GraphBuilder small_resnet(unsigned seed) {
  GraphBuilder b(seed);
  const TensorId image = b.input({3, 17, 15});
  TensorId x = b.conv(image, 20, 3, 1, 1, {}, Activation::kRelu);
  x = b.pool(b.conv(x, 24, 5, 1, 2, {.kernels_kept = 0.4, .taps = 9}), PoolMode::kMax, 3, 2, 1);
  TensorId y = b.conv(x, 24, 3, 1, 1, kPattern, Activation::kRelu);
  x = b.sum(b.conv(y, 24, 3, 1, 1, kPattern), x, Activation::kRelu);
  y = b.activate(b.conv(b.pad(x, 1, 1), 40, 3, 2, 0, kPattern), Activation::kRelu6);
  y = b.conv(y, 40, 3, 1, 1, kPattern);
  const TensorId shortcut = b.conv(x, 40, 1, 2, 0, {.kernels_kept = 0.3});
  x = b.activate(b.sum(y, shortcut, Activation::kNone), Activation::kRelu);
  const TensorId side = b.pool(x, PoolMode::kAverage, 2, 1, 0);
  const TensorId mean = b.alias(b.mean(x));
  b.graph.outputs = {b.conv(mean, 10, 1, 1, 0, {}), side};
  return b;
}

// Inverted residuals and a classifier of two layers.
inline GraphBuilder small_mobilenet(unsigned seed) {
  GraphBuilder b(seed);
  constexpr Pruning kSparse{.kernels_kept = 0.25};
  const auto block = [&](TensorId x, int filters, int stride, Pruning taps) {
    const int wide = 6 * b.graph.tensors[x].channels;
    TensorId y = b.activate(b.conv(x, wide, 1, 1, 0, kSparse), Activation::kRelu6);
    y = b.depthwise(stride == 1 ? y : b.pad(y, 1, 1), 3, stride, stride == 1 ? 1 : 0, taps,
                    Activation::kRelu6);
    y = b.conv(y, filters, 1, 1, 0, kSparse);
    const bool same = b.graph.tensors[x] == b.graph.tensors[y];
    return same ? b.sum(x, y, Activation::kNone) : y;
  };
  TensorId x = b.conv(b.input({3, 21, 19}), 8, 3, 2, 1, {}, Activation::kRelu6);
  x = block(x, 8, 1, {.taps = 4});
  x = block(x, 12, 2, {.taps = 4});
  x = block(x, 12, 1, {});
  // A residual on the depthwise convolution itself, and a kernel without weights.
  x = b.sum(b.depthwise(x, 5, 1, 2, {.kernels_kept = 0.6, .taps = 9}), x, Activation::kRelu6);
  x = b.fully_connected(x, 40, {.kernels_kept = 0.1});
  b.graph.outputs = {b.fully_connected(x, 10, {})};
  return b;
}

}  // namespace patternlite::test
