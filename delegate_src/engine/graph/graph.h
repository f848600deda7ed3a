// A small graph of the operators the engine runs, independent of any runtime. Adaptors build it.
//
// Each tensor is of one image (the loop over a batch is outside). Weights are viewed, not copied:
// they must stay alive until the graph is compiled, or as long as the program if
// WeightsView::lasting says so.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/graph/planar.h"
#include "kernels/operators.h"

namespace patternlite {

using TensorId = int;
inline constexpr TensorId kNoTensor = -1;

enum class Activation { kNone, kRelu, kRelu6, kReluN1To1, kRelu0To1 };

struct Window {  // a kernel's or pooling window's way over the image
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int dilation_h = 1, dilation_w = 1;
  int pad_top = 0, pad_left = 0;  // below and right follow from the output's shape
  bool operator==(const Window&) const = default;
  bool strided() const { return stride_h != 1 || stride_w != 1; }
};

// Why this is no valid window, or none that 32 bits can count; null if it is valid. Pads before the
// image may be negative: cells that no window reads.
const char* fault_of(const Window& window);

// How many zeros the last windows need behind the image.
int pad_below(const Window& window, const Shape& input, const Shape& output);
int pad_right(const Window& window, const Shape& input, const Shape& output);

// The zero border a convolution needs around its input so that no tap leaves the plane.
int required_border(const Window& window, const Shape& input, const Shape& output);

// Weight of (filter o, input channel i, row y, column x) stands at
// data[o * filter_stride + i * channel_stride + y * row_stride + x * column_stride].
struct WeightsView {
  const float* data = nullptr;
  std::ptrdiff_t filter_stride = 0, channel_stride = 0, row_stride = 0, column_stride = 0;
  bool lasting = false;  // outlives the compiled graph, which may use it in place
  // In a grouped convolution, how many filters read how many channels; weights for other channels
  // are zero and not stored. 0: all filters read all channels.
  int group_filters = 0, group_channels = 0;

  // Null if the filter does not read the channel.
  const float* kernel(int o, int i) const {
    if (group_channels) {
      i -= o / group_filters * group_channels;
      if (i < 0 || i >= group_channels) return nullptr;
    }
    return data + o * filter_stride + i * channel_stride;
  }
  float at(int o, int i, int y, int x) const {
    const float* weights = kernel(o, i);
    return weights ? weights[y * row_stride + x * column_stride] : 0;
  }
};

using PoolMode = kernels::PoolKind;

// Pooling of a convolution's result before anything else reads it.
struct FusedPooling {
  Shape input;  // the convolution's own output
  PoolMode mode;
  Window window;
  Activation activation = Activation::kNone;
  bool operator==(const FusedPooling&) const = default;
};

using Curve = kernels::CurveKind;

// An activation that is not a clamp.
struct CurveOp {
  TensorId input, output;
  Curve curve;
  std::vector<float> slopes = {};  // of kLeakyRelu below 0: one for each channel, or one for all
  bool operator==(const CurveOp&) const = default;
};

// CONV_2D; FULLY_CONNECTED as a convolution whose kernel is the whole map; DEPTHWISE_CONV_2D.
struct Convolution {
  TensorId input, output;
  Window window;
  WeightsView weights;
  const float* bias = nullptr;  // [filters], or null
  Activation activation = Activation::kNone;
  TensorId residual = kNoTensor;        // added before the activation; set by fuse()
  bool depthwise = false;               // filter o reads channel o alone: no other weights
  std::optional<FusedPooling> pooling;  // `output` is pooled; set by fuse()
  std::optional<CurveOp> curve;         // applied to the sums; its ids are unused; set by fuse()
};

// The shape of the convolution's own result. output: that of the tensor it writes.
inline const Shape& result_shape(const Convolution& conv, const Shape& output) {
  return conv.pooling ? conv.pooling->input : output;
}

// Whether the convolution reads zeros around its input. output: the shape of the tensor it writes.
inline bool reads_zeros(const Convolution& conv, const Shape& input, const Shape& output) {
  return required_border(conv.window, input, result_shape(conv, output)) > 0;
}

// Input channels that each filter reads.
inline int channels_per_filter(const Convolution& conv, const Shape& input) {
  if (conv.depthwise) return 1;
  return conv.weights.group_channels ? conv.weights.group_channels : input.channels;
}

// Whether each weight is used once: there is one output position, whose window is the whole input.
bool is_fully_connected(const Convolution& conv, const Shape& input, const Shape& output);

double dense_macs(const Convolution& conv, const Shape& input, const Shape& output);

// MAX_POOL_2D, AVERAGE_POOL_2D and MEAN over height and width (a window as large as the map).
struct Pooling {
  TensorId input, output;
  PoolMode mode;
  Window window;
  Activation activation = Activation::kNone;
};

struct Addition {
  TensorId a, b, output;
  Activation activation = Activation::kNone;
};

// Element by element; b may have a single element for each channel.
struct Multiplication {
  TensorId a, b, output;
  Activation activation = Activation::kNone;
};

// input * scale + shift, with constants for each channel.
struct Scaling {
  TensorId input, output;
  std::vector<float> scales, shifts;  // [channels]
  Activation activation = Activation::kNone;
};

// Layer normalisation (Ba et al. 2016): subtracts the mean of each position's channels, divides by
// the root of their variance, then applies a scale and a shift for each channel.
struct ChannelNorm {
  TensorId input, output;
  std::vector<float> scales, shifts;  // [channels]
  float epsilon;                      // added to the variance
};

// Instance normalisation (Ulyanov et al. 2016): the same with each channel's mean and variance.
struct InstanceNorm {
  TensorId input, output;
  std::vector<float> scales, shifts;
  float epsilon;
};

// Zeros around the image; folded into the convolutions that read it.
struct Padding {
  TensorId input, output;
  int top, left, bottom, right;
};

struct ActivationOp {
  TensorId input, output;
  Activation activation;
};

// Concatenates the channels of several maps.
struct Concatenation {
  std::vector<TensorId> inputs;
  TensorId output;
};

// Some channels of a map, in any order: output channel c is input channel channels[c].
struct ChannelSelection {
  TensorId input, output;
  std::vector<int> channels;
};

// Whether the channels follow one another, as they do in a slice.
bool is_part(const ChannelSelection& selection);

// Interleaves block * block maps: output cell (y, x) of channel c is cell (y / block, x / block) of
// channel channels[i][c] of input i = (y % block) * block + x % block.
struct Interleaving {
  std::vector<TensorId> inputs;
  TensorId output;
  int block;
  std::vector<std::vector<int>> channels;
};

// How many of a whole's rows or columns belong to its part number `phase`.
inline int interleaved(int whole, int block, int phase) {
  return (whole - phase + block - 1) / block;
}

// Output cell (y, x) is the input cell in row rows[y] and column columns[x].
struct Resize {
  TensorId input, output;
  std::vector<int> rows, columns;
};

// A mix of two neighbouring cells of an axis: first + share * (second - first).
struct Blend {
  int first, second;
  float share;
};

// Each output cell is a mix of four input cells, in two rows and two columns.
struct BilinearResize {
  TensorId input, output;
  std::vector<Blend> rows, columns;
};

// Softmax over the channels of each position: exp(beta * x), scaled to a sum of 1.
struct Softmax {
  TensorId input, output;
  float beta;
};

// The same data under another name.
struct Alias {
  TensorId input, output;
};

using Operator =
    std::variant<Convolution, Pooling, Addition, Multiplication, Scaling, ChannelNorm, InstanceNorm,
                 Padding, ActivationOp, CurveOp, Concatenation, ChannelSelection, Interleaving,
                 Resize, BilinearResize, Softmax, Alias>;

struct Node {
  Operator op;
  std::string name;  // what reports call it
  int tag = -1;      // for the adaptor's use; rewrites keep it, and the order of nodes
};

struct Graph {
  std::vector<Shape> tensors;
  std::vector<Node> nodes;  // in execution order
  std::vector<TensorId> inputs, outputs;

  TensorId add_tensor(Shape shape);
};

// Most elements of a tensor: kernels count in 32 bits, borders included.
inline constexpr std::size_t kMostElements = std::size_t{1} << 30;

// Throws std::invalid_argument when a tensor is empty or has more elements than kMostElements.
void validate_sizes(const Graph& graph);

// Does the same, and also throws, naming the node, when shapes or ids do not fit together.
void validate(const Graph& graph);

}  // namespace patternlite
