#include "engine/graph/subsample.h"

#include <map>
#include <tuple>
#include <utility>

namespace patternlite {

bool is_subsampling(const Window& w, const Shape& input, const Shape& output) {
  // Pads may be negative: then the first window lies within the image.
  return w.kernel_h == 1 && w.kernel_w == 1 && (w.stride_h > 1 || w.stride_w > 1) &&
         w.pad_top == 0 && w.pad_left == 0 && required_border(w, input, output) == 0;
}

Graph subsample(Graph graph) {
  using Key = std::tuple<TensorId, int, int, int, int>;  // input, strides, output height and width
  std::map<Key, TensorId> subsampled;
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    auto* conv = std::get_if<Convolution>(&node.op);
    const auto reads_no_pad = [&] {
      return is_subsampling(conv->window, graph.tensors[conv->input],
                            result_shape(*conv, graph.tensors[conv->output]));
    };
    if (conv == nullptr || !reads_no_pad()) {
      nodes.push_back(std::move(node));
      continue;
    }
    const Shape output = result_shape(*conv, graph.tensors[conv->output]);
    const Window window{.stride_h = conv->window.stride_h, .stride_w = conv->window.stride_w};
    const auto [found, added] = subsampled.try_emplace(
        {conv->input, window.stride_h, window.stride_w, output.height, output.width}, kNoTensor);
    if (added) {
      found->second =
          graph.add_tensor({graph.tensors[conv->input].channels, output.height, output.width});
      nodes.push_back(
          {Pooling{conv->input, found->second, PoolMode::kMax, window}, node.name + "/subsample"});
    }
    conv->input = found->second;
    conv->window.stride_h = conv->window.stride_w = 1;
    nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
  return graph;
}

}  // namespace patternlite
