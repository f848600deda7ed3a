#include "engine/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace patternlite::test {
namespace {

double clamp(double value, Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return value < 0 ? 0 : value;
    case Activation::kRelu6:
      return value < 0 ? 0 : value > 6 ? 6 : value;
    case Activation::kReluN1To1:
      return value < -1 ? -1 : value > 1 ? 1 : value;
    case Activation::kRelu0To1:
      return value < 0 ? 0 : value > 1 ? 1 : value;
    case Activation::kNone:
      break;
  }
  return value;
}

double bend(double value, const CurveOp& op, int channel) {
  switch (op.curve) {
    case Curve::kLeakyRelu:
      return value > 0 ? value : value * op.slopes[op.slopes.size() == 1 ? 0 : channel];
    case Curve::kHardSwish:
      return value * std::clamp(value + 3, 0.0, 6.0) / 6;
    case Curve::kSigmoid:
      return 1 / (1 + std::exp(-value));
    case Curve::kTanh:
      return std::tanh(value);
    case Curve::kGelu:
      return value * (1 + std::erf(value / std::sqrt(2.0))) / 2;
    case Curve::kTanhGelu:
      return value *
             (1 + std::tanh(std::sqrt(2 / M_PI) * (value + 0.044715 * std::pow(value, 3)))) / 2;
    case Curve::kSilu:
      break;
  }
  return value / (1 + std::exp(-value));
}

bool inside(const Image& image, int y, int x) {
  return y >= 0 && y < image.shape.height && x >= 0 && x < image.shape.width;
}

// Calls visit(c, y, x) for every output element and stores what it returns.
template <typename Visit>
void for_each_output(Image& output, Visit visit) {
  for (int y = 0; y < output.shape.height; ++y) {
    for (int x = 0; x < output.shape.width; ++x) {
      for (int c = 0; c < output.shape.channels; ++c) {
        output.at(c, y, x) = static_cast<float>(visit(c, y, x));
      }
    }
  }
}

struct Runner {
  std::vector<Image>& tensors;
  Zeros zeros;

  void operator()(const Convolution& op) const {
    const Image& input = tensors[op.input];
    const Window& w = op.window;
    for_each_output(tensors[op.output], [&](int o, int y, int x) {
      double sum = op.bias == nullptr ? 0 : op.bias[o];
      for (int i = 0; i < (op.depthwise ? 1 : input.shape.channels); ++i) {
        if (op.weights.kernel(o, i) == nullptr) continue;
        for (int ky = 0; ky < w.kernel_h; ++ky) {
          for (int kx = 0; kx < w.kernel_w; ++kx) {
            const double weight = op.weights.at(o, i, ky, kx);
            const int iy = y * w.stride_h + ky * w.dilation_h - w.pad_top;
            const int ix = x * w.stride_w + kx * w.dilation_w - w.pad_left;
            if (weight == 0 && zeros == Zeros::kSkip) continue;
            if (inside(input, iy, ix)) sum += weight * input.at(op.depthwise ? o : i, iy, ix);
          }
        }
      }
      if (op.residual != kNoTensor) sum += tensors[op.residual].at(o, y, x);
      return op.curve ? bend(sum, *op.curve, o) : clamp(sum, op.activation);
    });
  }

  void operator()(const Pooling& op) const {
    const Image& input = tensors[op.input];
    const Window& w = op.window;
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      double sum = 0, largest = -std::numeric_limits<double>::infinity();
      int cells = 0;
      for (int ky = 0; ky < w.kernel_h; ++ky) {
        for (int kx = 0; kx < w.kernel_w; ++kx) {
          const int iy = y * w.stride_h + ky - w.pad_top, ix = x * w.stride_w + kx - w.pad_left;
          if (!inside(input, iy, ix)) continue;
          const double value = input.at(c, iy, ix);
          sum += value;
          largest = std::max(largest, value);
          ++cells;
        }
      }
      return clamp(op.mode == PoolMode::kMax ? largest : sum / cells, op.activation);
    });
  }

  void operator()(const Addition& op) const {
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      return clamp(double{tensors[op.a].at(c, y, x)} + tensors[op.b].at(c, y, x), op.activation);
    });
  }

  void operator()(const Multiplication& op) const {
    const Image& b = tensors[op.b];
    const bool scalars = b.shape != tensors[op.a].shape;
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      const double factor = scalars ? b.at(c, 0, 0) : b.at(c, y, x);
      return clamp(tensors[op.a].at(c, y, x) * factor, op.activation);
    });
  }

  void operator()(const Scaling& op) const {
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      const double value = tensors[op.input].at(c, y, x);
      return clamp(value * op.scales[c] + op.shifts[c], op.activation);
    });
  }

  void operator()(const ChannelNorm& op) const {
    const Image& input = tensors[op.input];
    const Shape& shape = input.shape;
    normalise(op, shape.channels, [&](int i, int, int y, int x) { return input.at(i, y, x); });
  }

  void operator()(const InstanceNorm& op) const {
    const Image& input = tensors[op.input];
    const Shape& shape = input.shape;
    normalise(op, shape.height * shape.width, [&](int i, int c, int, int) {
      return input.at(c, i / shape.width, i % shape.width);
    });
  }

  // By the mean and variance of `count` values; value(i, c, y, x) is one of those for this element.
  template <typename Op, typename Value>
  void normalise(const Op& op, int count, const Value& value) const {
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      double mean = 0, variance = 0;
      for (int i = 0; i < count; ++i) mean += value(i, c, y, x) / double(count);
      for (int i = 0; i < count; ++i) variance += std::pow(value(i, c, y, x) - mean, 2) / count;
      const double centred = tensors[op.input].at(c, y, x) - mean;
      return centred / std::sqrt(variance + op.epsilon) * op.scales[c] + op.shifts[c];
    });
  }

  void operator()(const Padding& op) const {
    const Image& input = tensors[op.input];
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      return inside(input, y - op.top, x - op.left) ? input.at(c, y - op.top, x - op.left) : 0.0f;
    });
  }

  void operator()(const ActivationOp& op) const {
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      return clamp(tensors[op.input].at(c, y, x), op.activation);
    });
  }

  void operator()(const CurveOp& op) const {
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      return bend(tensors[op.input].at(c, y, x), op, c);
    });
  }

  void operator()(const Concatenation& op) const {
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      auto part = op.inputs.begin();
      for (; c >= tensors[*part].shape.channels; ++part) c -= tensors[*part].shape.channels;
      return tensors[*part].at(c, y, x);
    });
  }

  void operator()(const ChannelSelection& op) const {
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      return tensors[op.input].at(op.channels[c], y, x);
    });
  }

  void operator()(const Interleaving& op) const {
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      const int part = y % op.block * op.block + x % op.block;
      return tensors[op.inputs[part]].at(op.channels[part][c], y / op.block, x / op.block);
    });
  }

  void operator()(const Resize& op) const {
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      return tensors[op.input].at(c, op.rows[y], op.columns[x]);
    });
  }

  void operator()(const BilinearResize& op) const {
    const Image& input = tensors[op.input];
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      const Blend &row = op.rows[y], &column = op.columns[x];
      const auto along = [&](int from) {
        const double left = input.at(c, from, column.first);
        return left + (input.at(c, from, column.second) - left) * column.share;
      };
      const double above = along(row.first);
      return above + (along(row.second) - above) * row.share;
    });
  }

  void operator()(const Softmax& op) const {
    const Image& input = tensors[op.input];
    for_each_output(tensors[op.output], [&](int c, int y, int x) {
      // Relative to the channel itself: exp(0) is in the sum.
      double sum = 0;
      for (int other = 0; other < input.shape.channels; ++other) {
        sum += std::exp(op.beta * (double{input.at(other, y, x)} - input.at(c, y, x)));
      }
      return 1 / sum;
    });
  }

  void operator()(const Alias& op) const { tensors[op.output].values = tensors[op.input].values; }
};

}  // namespace

std::vector<Image> run_reference(const Graph& graph, const std::vector<Image>& inputs,
                                 Zeros zeros) {
  std::vector<Image> tensors;
  for (const Shape& shape : graph.tensors) {
    tensors.push_back({shape, std::vector<float>(shape.elements(), NAN)});
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) tensors[graph.inputs[i]] = inputs[i];
  for (const Node& node : graph.nodes) std::visit(Runner{tensors, zeros}, node.op);
  std::vector<Image> outputs;
  for (TensorId id : graph.outputs) outputs.push_back(tensors[id]);
  return outputs;
}

double relative_error(const Image& reference, const Image& actual) {
  if (reference.values.size() != actual.values.size()) {
    return std::numeric_limits<double>::infinity();
  }
  double largest = 1e-6, difference = 0;
  for (std::size_t i = 0; i < reference.values.size(); ++i) {
    const double error = std::abs(double{reference.values[i]} - actual.values[i]);
    if (std::isnan(error)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(double{reference.values[i]}));
    difference = std::max(difference, error);
  }
  return difference / largest;
}

}  // namespace patternlite::test
