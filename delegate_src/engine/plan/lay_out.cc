#include "engine/plan/lay_out.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "engine/graph/pitch.h"

namespace patternlite {
namespace {

using Size = std::pair<int, int>;  // height and width

// How all maps of one size are laid out, and why.
struct Rows {
  int border = 0;
  std::optional<bool> whole_lines{};
  // Dense cost of the convolutions that read them: of all, and of those with taps above and below.
  double macs = 0, of_neighbours = 0;
};

// Whole lines make taps above and below cheaper and everything else more expensive: they are used
// if convolutions with such taps are more than this part of the work on maps of a size.
constexpr double kLeastOfNeighbours = 0.75;
// The least part of its time that a convolution saves if it reads and writes at equal positions.
constexpr double kGainOfPositions = 0.2;

class LayOut {
 public:
  explicit LayOut(const Graph& graph) : graph_(graph) {
    for (const Node& node : graph.nodes) {
      const auto* conv = std::get_if<Convolution>(&node.op);
      if (conv != nullptr) count(*conv);
    }
    for (const Node& node : graph.nodes) {
      const auto* conv = std::get_if<Convolution>(&node.op);
      if (conv != nullptr) widen_output(*conv);
    }
  }

  PlanarLayout operator()(const Shape& shape) {
    Rows& rows = of_size(shape);
    PlanarLayout layout{shape, rows.border};
    if (!rows.whole_lines) {
      rows.whole_lines =
          layout.close_to_whole_lines() && rows.of_neighbours > rows.macs * kLeastOfNeighbours;
    }
    layout.whole_lines = *rows.whole_lines;
    return layout;
  }

 private:
  Rows& of_size(const Shape& shape) { return rows_[{shape.height, shape.width}]; }

  void count(const Convolution& conv) {
    const Shape& input = graph_.tensors[conv.input];
    const Shape& result = result_shape(conv, graph_.tensors[conv.output]);
    Rows& rows = of_size(input);
    rows.border = std::max(rows.border, required_border(conv.window, input, result));
    const double macs = dense_macs(conv, input, result);
    rows.macs += macs;
    if (gains_by_whole_lines(conv)) rows.of_neighbours += macs;
  }

  // What an unpadded convolution writes is smaller than what it reads. Its rows are nevertheless as
  // far apart if that costs its readers less than it gains.
  void widen_output(const Convolution& conv) {
    const Shape &input = graph_.tensors[conv.input], &output = graph_.tensors[conv.output];
    Rows& rows = of_size(output);
    if (conv.pooling || &rows == &of_size(input) || !may_keep_pitch(conv.window, input, output)) {
      return;
    }
    const PlanarLayout to = at_pitch_of((*this)(input), output);
    const double wider =
        static_cast<double>(output.width + to.border) / (output.width + rows.border) - 1;
    if (rows.whole_lines || to.border < rows.border ||
        rows.macs * wider > dense_macs(conv, input, output) * kGainOfPositions) {
      return;
    }
    rows.border = to.border;
    rows.whole_lines = to.whole_lines;
  }

  const Graph& graph_;
  std::map<Size, Rows> rows_;
};

}  // namespace

bool gains_by_whole_lines(const Convolution& conv) {
  const Window& w = conv.window;
  return w.kernel_h > 1 && !w.strided() && !conv.depthwise;
}

std::vector<PlanarLayout> lay_out(const Graph& graph) {
  LayOut of(graph);
  std::vector<PlanarLayout> layouts;
  for (const Shape& shape : graph.tensors) layouts.push_back(of(shape));
  return layouts;
}

}  // namespace patternlite
