// GraphReader's translation of the operators that take parts of a map, or make one of several.
#include <algorithm>
#include <numeric>

#include "tflite/read/graph_reader.h"
#include "tflite/read/parameters.h"

namespace patternlite::tflite {
namespace {

std::int64_t sum_of(const std::vector<int>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
}

}  // namespace

std::vector<int> GraphReader::Steps::cells() const {
  std::vector<int> cells(count);
  for (int i = 0; i < count; ++i) cells[i] = first + i * step;
  return cells;
}

GraphReader::Value GraphReader::selected_channels(const OpNode& node, const Value& source,
                                                  std::vector<int> channels, std::vector<int> dims,
                                                  int output) {
  const Shape& shape = shape_of(source);
  const Shape selected{static_cast<int>(channels.size()), shape.height, shape.width};
  const Value& made = define_moved(node, source, selected, std::move(dims), output);
  push(node, ChannelSelection{source.id, made.id, std::move(channels)});
  return made;
}

void GraphReader::add_split(const OpNode& node) {
  const bool by_sizes = node.builtin_code == kTfLiteBuiltinSplitV;
  const Value input = unpadded_value(node, by_sizes ? 0 : 1);
  const std::vector<int> axis = constant_ints(node, by_sizes ? 2 : 0);
  const int rank = static_cast<int>(input.dims.size());
  const int own = static_cast<int>(channel_axis(input));
  const int parts = static_cast<int>(node.outputs.size()), channels = shape_of(input).channels;
  if (axis.size() != 1 || (axis[0] != own && axis[0] != own - rank)) {
    throw Declined(node.index, "axes");
  }
  if (input.dims[own] != channels) throw Declined(node.index, "rank");
  std::vector<int> sizes(parts, channels / parts);
  if (by_sizes) {
    sizes = constant_ints(node, 1);
    const auto rest = std::ranges::find(sizes, -1);
    if (rest != sizes.end()) *rest = static_cast<int>(channels - 1 - sum_of(sizes));
  }
  if (std::ssize(sizes) != parts || std::ranges::min(sizes) < 1 || sum_of(sizes) != channels) {
    throw Declined(node.index, "size");
  }
  int first = 0;
  for (int i = 0; i < parts; first += sizes[i++]) {
    std::vector<int> dims = input.dims;
    dims[own] = sizes[i];
    selected_channels(node, input, Steps{first, sizes[i]}.cells(), std::move(dims), i);
  }
}

void GraphReader::define_slice(const OpNode& node, const Value& source, std::vector<Steps> axes) {
  const Shape shape = shape_of(source);
  const std::size_t own = channel_axis(source);
  if (source.channels_first)
    std::rotate(axes.begin() + 1, axes.begin() + 2, axes.end());  // as NHWC
  if (source.dims[own] != shape.channels) throw Declined(node.index, "rank");
  if (!axes[0].is_whole(source.dims[0])) throw Declined(node.index, "axes");
  for (std::size_t i = 1; i < axes.size(); ++i) {  // there may be no images
    if (axes[i].count > 0) continue;
    const bool is_map = axes.size() == 4 && (i == 1 || i == 2);
    if (!is_map) throw Declined(node.index, "empty-output");
    axes[i] = {0, cells_or_one(node, source, axes[i].count)};
  }
  std::vector<int> dims = source.dims;
  dims[own] = axes.back().count;
  const Value part = selected_channels(node, source, axes.back().cells(), dims);
  const bool crops =
      dims.size() == 4 && !(axes[1].is_whole(shape.height) && axes[2].is_whole(shape.width));
  if (!crops) return;
  const Shape left{axes[3].count, axes[1].count, axes[2].count};
  const Value& output =
      define_moved(node, part, left, {source.batch, left.height, left.width, left.channels});
  push(node, Resize{part.id, output.id, axes[1].cells(), axes[2].cells()});
}

void GraphReader::add_slice(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  const std::vector<int> begin = constant_ints(node, 1), size = constant_ints(node, 2);
  if (begin.size() != input.dims.size() || size.size() != begin.size()) {
    throw Declined(node.index, "rank");
  }
  std::vector<Steps> axes;
  for (std::size_t axis = 0; axis < begin.size(); ++axis) {
    if (begin[axis] < 0) throw Declined(node.index, "size");
    const int rest = input.dims[axis] - begin[axis];
    const int count = size[axis] == -1 ? rest : size[axis];
    if (count < 0 || count > rest) throw Declined(node.index, "size");
    axes.push_back({begin[axis], count});
  }
  define_slice(node, input, axes);
}

std::vector<GraphReader::Steps> GraphReader::strided_steps(const OpNode& node,
                                                           std::span<const int> sizes) const {
  const std::vector<int> begin = constant_ints(node, 1), end = constant_ints(node, 2);
  const std::vector<int> step = constant_ints(node, 3);
  const auto& params = node.params_as<TfLiteStridedSliceParams>();
  if (begin.size() != sizes.size() || end.size() != begin.size() || step.size() != begin.size()) {
    throw Declined(node.index, "rank");
  }
  if (params.ellipsis_mask || params.new_axis_mask || params.offset || std::ranges::min(step) < 1) {
    throw Declined(node.index, "axes");
  }
  std::vector<Steps> axes;
  for (std::size_t axis = 0; axis < begin.size(); ++axis) {
    const int cells = sizes[axis];
    const auto place_of = [cells](int from) {
      return std::clamp(from < 0 ? from + cells : from, 0, cells);
    };
    const int first = params.begin_mask >> axis & 1 ? 0 : place_of(begin[axis]);
    const int last = params.end_mask >> axis & 1 ? cells : place_of(end[axis]);
    const int count = last <= first ? 0 : (last - first - 1) / step[axis] + 1;
    axes.push_back({first, params.shrink_axis_mask >> axis & 1 ? 1 : count, step[axis]});
  }
  return axes;
}

void GraphReader::add_strided_slice(const OpNode& node) {
  if (numbers_.contains(node.inputs[0])) return add_slice_of_numbers(node);
  const Value input = unpadded_value(node, 0);
  if (node.params_as<TfLiteStridedSliceParams>().shrink_axis_mask) {
    throw Declined(node.index, "axes");
  }
  define_slice(node, input, strided_steps(node, input.dims));
}

void GraphReader::add_concatenation(const OpNode& node) {
  const auto& params = node.params_as<TfLiteConcatenationParams>();
  if (params.activation != kTfLiteActNone) throw Declined(node.index, "activation");
  Concatenation concatenation;
  Value first;
  Shape whole;
  std::vector<int> dims;
  bool non_negative = true, fixed_size = false;
  for (int i = 0; i < static_cast<int>(node.inputs.size()); ++i) {
    const Value part = unpadded_value(node, i);
    const Shape shape = shape_of(part);
    const int rank = static_cast<int>(part.dims.size());
    const int channels = static_cast<int>(channel_axis(part));
    // Flattened maps do not lie one after the other, channel by channel.
    if (params.axis != channels && params.axis != channels - rank) {
      throw Declined(node.index, "axes");
    }
    if (rank == 2 && !is_vector(part)) throw Declined(node.index, "axes");
    if (i == 0) first = part, dims = part.dims, dims[channels] = 0;
    std::vector<int> expected = part.dims;
    expected[channels] = dims[channels];
    if (dims != expected) throw Declined(node.index, "shapes");
    dims[channels] += shape.channels;
    whole = {whole.channels + shape.channels, shape.height, shape.width};
    non_negative &= part.non_negative;
    fixed_size |= part.fixed_size;  // then all are as large as this one
    concatenation.inputs.push_back(part.id);
  }
  Value& output = define(node, first, whole, dims, Activation::kNone);
  output.non_negative = non_negative;
  output.fixed_size = fixed_size;
  concatenation.output = output.id;
  push(node, std::move(concatenation));
}

}  // namespace patternlite::tflite
