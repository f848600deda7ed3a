#include "engine/graph/pad_apart.h"

#include <map>
#include <tuple>
#include <utility>

namespace patternlite {
namespace {

constexpr int kLeastWide = 4;  // kernels of up to 7x7, not dilated, need no more than 3
constexpr int kWideShare = 8;  // part of its width; of its height, for all rows above and below

struct Pads {
  int top, left, bottom, right;
  auto operator<=>(const Pads&) const = default;
};

Pads pads_of(const Window& w, const Shape& input, const Shape& output) {
  return {w.pad_top, w.pad_left, pad_below(w, input, output), pad_right(w, input, output)};
}

}  // namespace

bool has_wide_pads(const Window& window, const Shape& input, const Shape& output) {
  const int border = required_border(window, input, output);
  if (border >= kLeastWide && (border > input.width / kWideShare || border > input.height / 2)) {
    return true;
  }
  // A single column with pads only above and below: as many zero columns would lie between its
  // rows.
  const Pads pads = pads_of(window, input, output);
  return input.width == 1 && border > 0 && pads.left == 0 && pads.right == 0;
}

Shape padded_shape(const Window& window, const Shape& input, const Shape& output) {
  const Pads pads = pads_of(window, input, output);
  return {input.channels, pads.top + input.height + pads.bottom,
          pads.left + input.width + pads.right};
}

Graph pad_apart(Graph graph) {
  std::map<std::pair<TensorId, Pads>, TensorId> copies;
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    auto* conv = std::get_if<Convolution>(&node.op);
    if (conv != nullptr) {
      const Shape input = graph.tensors[conv->input];
      const Shape output = result_shape(*conv, graph.tensors[conv->output]);
      if (has_wide_pads(conv->window, input, output)) {
        const Pads pads = pads_of(conv->window, input, output);
        const auto [copy, added] = copies.try_emplace({conv->input, pads}, kNoTensor);
        if (added) {
          copy->second = graph.add_tensor(padded_shape(conv->window, input, output));
          nodes.push_back(
              {Padding{conv->input, copy->second, pads.top, pads.left, pads.bottom, pads.right},
               node.name + "/pad", node.tag});
        }
        conv->input = copy->second;
        conv->window.pad_top = conv->window.pad_left = 0;
      }
    }
    nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
  return graph;
}

}  // namespace patternlite
