#include "engine/graph/graph.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>

namespace patternlite {
namespace {

[[noreturn]] void reject(const Node& node, const std::string& why) {
  throw std::invalid_argument("node '" + node.name + "': " + why);
}

constexpr int kWidestWindow = 1 << 24;  // kernels and layouts count in 32 bits

int window_extent(int kernel, int dilation) { return (kernel - 1) * dilation + 1; }

// Along one axis, how many zeros the last of `count` windows needs behind `size` cells.
int pad_behind(int kernel, int dilation, int stride, int pad, int size, int count) {
  const auto last =
      (count - 1) * std::int64_t{stride} + (kernel - 1) * std::int64_t{dilation} - pad;
  constexpr std::int64_t kMost = 1 << 30;  // so that sizes with all pads are counted in 32 bits
  return static_cast<int>(std::clamp<std::int64_t>(last - (size - 1), 0, kMost));
}

void check_window(const Node& node, const Window& w) {
  if (const char* fault = fault_of(w)) reject(node, fault);
  if (w.pad_top < 0 || w.pad_left < 0) reject(node, "pads must not be negative");
}

// A pooling window that lies in the padding has nothing to take the maximum or the mean of.
void check_windows_meet(const Node& node, const Window& w, const Shape& in, const Shape& out) {
  const auto last_row = (out.height - 1) * std::int64_t{w.stride_h} - w.pad_top;
  const auto last_column = (out.width - 1) * std::int64_t{w.stride_w} - w.pad_left;
  if (last_row >= in.height || last_column >= in.width ||
      w.pad_top >= window_extent(w.kernel_h, w.dilation_h) ||
      w.pad_left >= window_extent(w.kernel_w, w.dilation_w)) {
    reject(node, "a window lies wholly outside the image");
  }
}

struct Validator {
  const Graph& graph;
  const Node& node;
  std::vector<bool>& written;

  const Shape& read(TensorId id) const {
    check(id);
    if (!written[id]) reject(node, "reads a tensor that nothing wrote before it");
    return graph.tensors[id];
  }
  const Shape& write(TensorId id) const {
    check(id);
    if (written[id]) reject(node, "writes a tensor that was written before");
    written[id] = true;
    return graph.tensors[id];
  }
  void check(TensorId id) const {
    if (id < 0 || id >= static_cast<TensorId>(graph.tensors.size())) reject(node, "no such tensor");
  }

  void operator()(const Convolution& op) const {
    if (op.weights.data == nullptr) reject(node, "has no weights");
    check(op.output);
    const Shape &in = read(op.input), &out = graph.tensors[op.output];
    if (op.depthwise && in.channels != out.channels) {
      reject(node, "a depthwise convolution changes the number of channels");
    }
    if (const auto& w = op.weights; w.group_channels) {
      const bool fit =
          !op.depthwise && w.group_filters > 0 && w.group_channels > 0 &&
          out.channels % w.group_filters == 0 &&
          std::int64_t{out.channels} / w.group_filters * w.group_channels == in.channels;
      if (!fit) reject(node, "groups do not give the numbers of channels");
    }
    if (op.residual != kNoTensor && read(op.residual) != out) {
      reject(node, "residual and output differ in shape");
    }
    write(op.output);
    check_window(node, op.window);
  }
  void operator()(const Pooling& op) const {
    const Shape& in = read(op.input);
    const Shape& out = write(op.output);
    if (in.channels != out.channels) reject(node, "pooling changes the number of channels");
    check_window(node, op.window);
    if (op.window.dilation_h != 1 || op.window.dilation_w != 1) {
      reject(node, "pooling windows are not dilated");
    }
    check_windows_meet(node, op.window, in, out);
  }
  void operator()(const Addition& op) const {
    if (read(op.a) != read(op.b) || read(op.a) != write(op.output)) {
      reject(node, "operands of an addition differ in shape");
    }
  }
  void operator()(const Multiplication& op) const {
    const Shape &a = read(op.a), &b = read(op.b);
    if (a != write(op.output) || (b != a && b != Shape{a.channels, 1, 1})) {
      reject(node, "operands of a multiplication do not fit together");
    }
  }
  void operator()(const Scaling& op) const { check_scales(op); }
  void operator()(const ChannelNorm& op) const { check_scales(op); }
  void operator()(const InstanceNorm& op) const { check_scales(op); }
  template <typename Op>
  void check_scales(const Op& op) const {
    same(op.input, op.output);
    const int channels = graph.tensors[op.input].channels;
    if (std::ssize(op.scales) != channels || std::ssize(op.shifts) != channels) {
      reject(node, "scales and shifts are not one for each channel");
    }
  }
  void operator()(const Padding& op) const {
    const Shape& in = read(op.input);
    const Shape& out = write(op.output);
    if (op.top < 0 || op.left < 0 || op.bottom < 0 || op.right < 0 || in.channels != out.channels ||
        out.height != in.height + op.top + op.bottom ||
        out.width != in.width + op.left + op.right) {
      reject(node, "padding does not give the output's shape");
    }
  }
  void operator()(const ActivationOp& op) const { same(op.input, op.output); }
  void operator()(const CurveOp& op) const {
    same(op.input, op.output);
    const auto channels = static_cast<std::size_t>(graph.tensors[op.input].channels);
    const std::size_t slopes = op.slopes.size();
    const bool fit = op.curve == Curve::kLeakyRelu ? slopes == 1 || slopes == channels : !slopes;
    if (!fit) reject(node, "slopes are not one for each channel");
  }
  void operator()(const Concatenation& op) const {
    Shape whole;
    for (const TensorId input : op.inputs) {
      const Shape& part = read(input);
      whole = {whole.channels + part.channels, part.height, part.width};
    }
    const Shape& out = write(op.output);
    const bool same_maps = std::ranges::all_of(op.inputs, [&](TensorId input) {
      const Shape& part = graph.tensors[input];
      return part.height == out.height && part.width == out.width;
    });
    if (!same_maps || whole != out) reject(node, "the parts do not make up the output's shape");
  }
  static bool are_channels(const std::vector<int>& channels, const Shape& map) {
    return std::ranges::all_of(channels,
                               [&](int channel) { return channel >= 0 && channel < map.channels; });
  }
  void operator()(const ChannelSelection& op) const {
    const Shape& in = read(op.input);
    const Shape& out = write(op.output);
    if (!are_channels(op.channels, in) ||
        out != Shape{static_cast<int>(op.channels.size()), in.height, in.width}) {
      reject(node, "the channels do not give the output's shape");
    }
  }
  void operator()(const Interleaving& op) const {
    check(op.output);
    const Shape& whole = graph.tensors[op.output];
    bool fit = op.block > 0 && std::ssize(op.inputs) == std::ptrdiff_t{op.block} * op.block &&
               op.channels.size() == op.inputs.size();
    for (std::size_t i = 0; fit && i < op.inputs.size(); ++i) {
      const int row = static_cast<int>(i) / op.block, column = static_cast<int>(i) % op.block;
      const Shape& in = read(op.inputs[i]);
      fit = in.height == interleaved(whole.height, op.block, row) &&
            in.width == interleaved(whole.width, op.block, column) &&
            std::ssize(op.channels[i]) == whole.channels && are_channels(op.channels[i], in);
    }
    write(op.output);
    if (!fit) reject(node, "the parts do not make up the output's shape");
  }
  void operator()(const Resize& op) const {
    const Shape& in = read(op.input);
    const Shape& out = write(op.output);
    const auto picks = [](const std::vector<int>& cells, int from, int to) {
      return std::ssize(cells) == to &&
             std::ranges::all_of(cells, [from](int cell) { return cell >= 0 && cell < from; });
    };
    if (in.channels != out.channels || !picks(op.rows, in.height, out.height) ||
        !picks(op.columns, in.width, out.width)) {
      reject(node, "rows and columns do not give the output's shape");
    }
  }
  void operator()(const BilinearResize& op) const {
    const Shape& in = read(op.input);
    const Shape& out = write(op.output);
    const auto blends = [](const std::vector<Blend>& cells, int from, int to) {
      return std::ssize(cells) == to && std::ranges::all_of(cells, [from](const Blend& cell) {
               const bool neighbours =
                   cell.second - cell.first == 0 || cell.second - cell.first == 1;
               return cell.first >= 0 && cell.second < from && neighbours;
             });
    };
    if (in.channels != out.channels || !blends(op.rows, in.height, out.height) ||
        !blends(op.columns, in.width, out.width)) {
      reject(node, "rows and columns do not give the output's shape");
    }
  }
  void operator()(const Softmax& op) const { same(op.input, op.output); }
  void operator()(const Alias& op) const { same(op.input, op.output); }
  void same(TensorId input, TensorId output) const {
    if (read(input) != write(output)) reject(node, "input and output differ in shape");
  }
};

}  // namespace

const char* fault_of(const Window& w) {
  if (w.kernel_h < 1 || w.kernel_w < 1 || w.stride_h < 1 || w.stride_w < 1 || w.dilation_h < 1 ||
      w.dilation_w < 1) {
    return "kernel, stride and dilation must be positive";
  }
  const auto wide = [](std::int64_t kernel, std::int64_t dilation, int stride, std::int64_t pad) {
    return kernel * dilation > kWidestWindow || stride > kWidestWindow ||
           std::abs(pad) > kWidestWindow;
  };
  const bool too_large = wide(w.kernel_h, w.dilation_h, w.stride_h, w.pad_top) ||
                         wide(w.kernel_w, w.dilation_w, w.stride_w, w.pad_left);
  return too_large ? "the window is too large" : nullptr;
}

int pad_below(const Window& w, const Shape& input, const Shape& output) {
  return pad_behind(w.kernel_h, w.dilation_h, w.stride_h, w.pad_top, input.height, output.height);
}

int pad_right(const Window& w, const Shape& input, const Shape& output) {
  return pad_behind(w.kernel_w, w.dilation_w, w.stride_w, w.pad_left, input.width, output.width);
}

int required_border(const Window& w, const Shape& input, const Shape& output) {
  return std::max(
      {w.pad_top, w.pad_left, pad_below(w, input, output), pad_right(w, input, output)});
}

bool is_fully_connected(const Convolution& conv, const Shape& input, const Shape& output) {
  const Window& w = conv.window;
  return !conv.depthwise && !conv.weights.group_channels && output.height == 1 &&
         output.width == 1 && w.pad_top == 0 && w.pad_left == 0 && w.kernel_h == input.height &&
         w.kernel_w == input.width && (w.dilation_h == 1 || w.kernel_h == 1) &&
         (w.dilation_w == 1 || w.kernel_w == 1);
}

bool is_part(const ChannelSelection& selection) {
  const std::vector<int>& channels = selection.channels;
  return std::ranges::adjacent_find(channels, [](int a, int b) { return b != a + 1; }) ==
         channels.end();
}

double dense_macs(const Convolution& conv, const Shape& input, const Shape& output) {
  return static_cast<double>(output.elements()) * channels_per_filter(conv, input) *
         conv.window.kernel_h * conv.window.kernel_w;
}

TensorId Graph::add_tensor(Shape shape) {
  tensors.push_back(shape);
  return static_cast<TensorId>(tensors.size()) - 1;
}

void validate_sizes(const Graph& graph) {
  for (const Shape& shape : graph.tensors) {
    if (shape.channels < 1 || shape.height < 1 || shape.width < 1) {
      throw std::invalid_argument("a tensor has an empty or unknown shape");
    }
    constexpr std::size_t kBorder = 16;  // check() accounts for wider ones itself
    const std::size_t plane = (shape.height + 2 * kBorder) * (shape.width + kBorder);
    if (std::max(shape.elements(), plane) > kMostElements) {
      throw std::invalid_argument("a tensor is too large: kernels count positions with 32 bits");
    }
  }
}

void validate(const Graph& graph) {
  validate_sizes(graph);
  std::vector<bool> written(graph.tensors.size());
  const auto require_tensor = [&](TensorId id, const char* what) {
    if (id >= 0 && id < std::ssize(written)) return;
    throw std::invalid_argument(std::string("a graph ") + what + " is no tensor of it");
  };
  for (TensorId id : graph.inputs) {
    require_tensor(id, "input");
    written[id] = true;
  }
  for (const Node& node : graph.nodes) std::visit(Validator{graph, node, written}, node.op);
  for (TensorId id : graph.outputs) {
    require_tensor(id, "output");
    if (!written[id]) throw std::invalid_argument("a graph output is never written");
  }
}

}  // namespace patternlite
