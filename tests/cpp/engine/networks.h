// Small networks for the tests of the engine.
#pragma once

#include <utility>

#include "engine/reference.h"

namespace patternlite::test {

// Builds graphs the way an adaptor does, one operator after the other.
class GraphBuilder {
 public:
  explicit GraphBuilder(unsigned seed) : store_(seed) {}

  TensorId input(Shape shape) {
    graph.inputs.push_back(graph.add_tensor(shape));
    return graph.inputs.back();
  }
  TensorId conv(TensorId from, int filters, int kernel, int stride, int pad, Pruning pruning,
                Activation activation = Activation::kNone) {
    const Shape shape = graph.tensors[from];
    Convolution op{.input = from,
                   .window = {.kernel_h = kernel,
                              .kernel_w = kernel,
                              .stride_h = stride,
                              .stride_w = stride,
                              .pad_top = pad,
                              .pad_left = pad},
                   .activation = activation};
    store_.fill(op, filters, shape.channels, pruning);
    return add(op, window_shape(shape, filters, op.window, pad, pad));
  }
  TensorId pool(TensorId from, PoolMode mode, int kernel, int stride, int pad) {
    const Shape shape = graph.tensors[from];
    Pooling op{.input = from, .mode = mode, .window = {.kernel_h = kernel, .kernel_w = kernel}};
    op.window.stride_h = op.window.stride_w = stride;
    op.window.pad_top = op.window.pad_left = pad;
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
    const Shape shape = graph.tensors[from];
    return add(Padding{from, kNoTensor, before, before, after, after},
               {shape.channels, shape.height + before + after, shape.width + before + after});
  }
  TensorId sum(TensorId a, TensorId b, Activation activation) {
    return add(Addition{a, b, kNoTensor, activation}, graph.tensors[a]);
  }
  TensorId activate(TensorId from, Activation activation) {
    return add(ActivationOp{from, kNoTensor, activation}, graph.tensors[from]);
  }
  TensorId bend(TensorId from, Curve curve, float slope) {
    return add(CurveOp{from, kNoTensor, curve, slope}, graph.tensors[from]);
  }
  TensorId concatenate(std::vector<TensorId> parts) {
    Shape whole;
    for (const TensorId part : parts) {
      const Shape& shape = graph.tensors[part];
      whole = {whole.channels + shape.channels, shape.height, shape.width};
    }
    return add(Concatenation{std::move(parts), kNoTensor}, whole);
  }
  TensorId resize(TensorId from, std::vector<int> rows, std::vector<int> columns) {
    const Shape shape{graph.tensors[from].channels, static_cast<int>(rows.size()),
                      static_cast<int>(columns.size())};
    return add(Resize{from, kNoTensor, std::move(rows), std::move(columns)}, shape);
  }
  TensorId softmax(TensorId from, float beta) {
    return add(Softmax{from, kNoTensor, beta}, graph.tensors[from]);
  }
  TensorId alias(TensorId from) { return add(Alias{from, kNoTensor}, graph.tensors[from]); }

  Graph graph;
  std::mt19937& random() { return store_.random; }

 private:
  template <typename Op>
  TensorId add(Op op, Shape shape) {
    op.output = graph.add_tensor(shape);
    graph.nodes.push_back({op, "node" + std::to_string(graph.nodes.size())});
    return op.output;
  }
  WeightStore store_;
};

inline constexpr Pruning kPattern{.kernels_kept = 0.5, .taps = 4};

}  // namespace patternlite::test
