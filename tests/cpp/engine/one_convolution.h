// A graph of one convolution of square maps, padded so that they keep their size at stride 1.
#pragma once

#include "engine/graph/graph.h"
#include "engine/recognise/tap_sets.h"
#include "engine/weight_store.h"

namespace patternlite::test {

struct OneConvolution {
  OneConvolution(int filters, int channels, int kernel, Pruning pruning, int size = 14,
                 int stride = 1, unsigned seed = 7)
      : store(seed) {
    conv.window = {.kernel_h = kernel, .kernel_w = kernel, .stride_h = stride, .stride_w = stride};
    conv.window.pad_top = conv.window.pad_left = kernel / 2;
    conv.input = graph.add_tensor({channels, size, size});
    conv.output = graph.add_tensor(
        window_shape({channels, size, size}, filters, conv.window, kernel / 2, kernel / 2));
    store.fill(conv, filters, channels, pruning);
    graph.nodes = {{conv, "conv"}};
    graph.inputs = {conv.input};
    graph.outputs = {conv.output};
  }
  TapSets taps() const {
    return TapSets(conv, graph.tensors[conv.output].channels, graph.tensors[conv.input].channels);
  }
  WeightStore store;
  Graph graph;
  Convolution conv;
};

}  // namespace patternlite::test
