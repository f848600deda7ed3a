// TFLite operators -> engine graph.
//
// Shapes are derived from the inputs' shapes alone, never read from the outputs: after a resize the
// runtime's record of the tensors inside a partition is stale. One reader serves both to ask
// whether an operator can be taken and to build a partition's graph.
//
// What can be read at one size of the inputs can be read at every size that the stock runtime runs:
// what is claimed is not given back. So an operator that wants a single position is read only where
// there never are more; and those whose meaning changes with the number of positions (a
// FULLY_CONNECTED, an ADD that repeats an operand) have all their meanings here. The exceptions are
// a FULLY_CONNECTED on whole maps: at other sizes, the runtime would multiply parts of images; a
// RESHAPE that names some sizes of a map, as 1, -1, 8, 4, 16: at others, it would join parts of
// rows to new ones; slices that name the images of a batch instead of leaving them open, as some
// converters write all; and a TRANSPOSE_CONV whose output size is a constant.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "tflite/read/axes.h"
#include "tflite/read/constants.h"
#include "tflite/read/node.h"
#include "tflite/read/norm.h"

namespace patternlite::tflite {

// A partition's graph and what joins it to the interpreter. Weights are where the file or the
// reader's Constants have them.
struct PartitionGraph {
  Graph graph;
  int batch = 1;            // the largest; may be 0
  std::vector<int> inputs;  // tensors, in the order of graph.inputs
  std::vector<int> input_batches;
  std::vector<int> measured;  // tensors of which nothing but the shape is read
  std::vector<int> outputs;   // tensors, in the order of graph.outputs
  std::vector<int> output_batches;
  std::vector<std::vector<int>> output_dims;  // TFLite shapes of the outputs
  bool size_is_open = false;                  // of an input
  bool is_runnable = true;  // not where something is wider than the 1 of an open size
  // Node index of each convolution, in graph order; a TRANSPOSE_CONV has become several.
  std::vector<int> convolution_nodes;
};

// Whether a map's height or width is to be given by a resize, and has not been: a 1 stands there.
bool has_open_size(const TfLiteTensor& tensor);

class GraphReader {
 public:
  // Tensors are read through the context whenever a node is added.
  GraphReader(const TfLiteContext& context, Constants& constants)
      : context_(context), constants_(constants) {}

  // Throws Declined, naming the node to leave out: this one, or the one that makes what this one
  // cannot read (a PAD, RESHAPE, TRANSPOSE, part of a norm, or a weight's DEQUANTIZE).
  void add(const OpNode& node);

  // The graph that computes these tensors. Throws Declined as well.
  PartitionGraph finish(std::span<const int> outputs) &&;

 private:
  // A PAD that waits for the convolution or max pooling that reads it and needs no zeros in memory.
  struct Pad {
    int node = -1;
    int top = 0, left = 0, bottom = 0, right = 0;
    float fill = 0;
  };
  // What a TFLite tensor is inside the graph. Its elements lie in memory as those of the engine's
  // tensor do in NHWC, also where `dims` calls it flat, a row for each image, or each position;
  // unless its channels come first or there is a view.
  struct Value {
    TensorId id = -1;
    int batch = 1;
    std::vector<int> dims;
    bool fixed_size = false;  // height and width are the same whatever the inputs' are
    bool non_negative = false;
    int alias_node = -1;  // the RESHAPE or SQUEEZE that it comes out of
    int flattener = -1;   // the RESHAPE to rows that are other parts at other sizes and batches
    bool channels_first = false;  // dims are those of NCHW
    // Its axes, where they are neither a map's nor rows, until a RESHAPE or TRANSPOSE makes a map
    // of them.
    std::optional<Axes> view = std::nullopt;
    int viewer = -1;                          // the RESHAPE or TRANSPOSE that its axes come out of
    int mean_of = -1;                         // the tensor of whose positions it has the mean
    std::optional<Norm> norm = std::nullopt;  // if it is but a part of one, of the tensor
    std::optional<Pad> pad = std::nullopt;
  };

  // Of an int tensor that the graph computes from shapes: those of its numbers that are known, a
  // batch or what is the same at any size.
  struct Numbers {
    int node;  // that computes it, which nothing needs to run
    std::vector<std::optional<int>> known;
  };

  // Cells of an axis: `count` from `first` on, `step` apart.
  struct Steps {
    int first, count, step = 1;
    std::vector<int> cells() const;
    bool is_whole(int size) const { return first == 0 && count == size && step == 1; }
  };

  static constexpr int kMostCells = 1 << 15;  // of an axis that is resized or repeated
  static constexpr std::array kToNchw = {0, 3, 1, 2}, kToNhwc = {0, 2, 3, 1};

  // Two operands, and what comes of them where single rows, columns or images are repeated.
  struct Operands {
    Value a, b;
    Shape shape;
    std::vector<int> dims;
  };

  // What must be known of an operator before its operands are read. Throws Declined of others.
  struct Rule;
  static const Rule& rule_of(const OpNode& node);
  static bool reads_axes_of(const OpNode& node, const Value& operand);

  void add_convolution(const OpNode& node);
  void add_depthwise(const OpNode& node);
  void add_windowed(const OpNode& node, const TfLiteConvParams& params, bool depthwise);
  void add_transposed_convolution(const OpNode& node);
  void add_depth_to_space(const OpNode& node);
  void add_fully_connected(const OpNode& node);
  void add_pooling(const OpNode& node);
  void add_mean(const OpNode& node);
  std::optional<Norm::Over> mean_over(const OpNode& node, const Value& input) const;
  void begin_norm(const OpNode& node, const Value& input);
  // Whether the node reads a part of a norm: it makes another. Throws where it makes anything else.
  bool continues_norm(const OpNode& node);
  std::optional<Value> part_of_norm(const OpNode& node, std::size_t operand) const;
  void define_norm(const OpNode& node, const Value& source, Norm norm);
  void finish_norm(const OpNode& node, Value source);
  void add_arithmetic(const OpNode& node);
  void add_addition(const OpNode& node);
  void add_multiplication(const OpNode& node);
  void add_scaling(const OpNode& node, int constant);
  void add_activation(const OpNode& node);
  void add_curve(const OpNode& node);
  void add_pad(const OpNode& node);
  void add_mirror_pad(const OpNode& node);
  void add_reshape(const OpNode& node);
  void add_squeeze(const OpNode& node);
  void add_constant_decoder(const OpNode& node);
  void add_concatenation(const OpNode& node);
  void add_resize(const OpNode& node);
  void add_tile(const OpNode& node);
  void add_transpose(const OpNode& node);
  void add_split(const OpNode& node);
  void add_slice(const OpNode& node);
  void add_strided_slice(const OpNode& node);
  void add_softmax(const OpNode& node);
  void add_shape(const OpNode& node);
  void add_pack(const OpNode& node);
  void add_slice_of_numbers(const OpNode& node);
  // What a STRIDED_SLICE takes of axes of these sizes.
  std::vector<Steps> strided_steps(const OpNode& node, std::span<const int> sizes) const;
  Operands broadcast(const OpNode& node);
  // The value's tensor, or a map of this shape of which all rows or columns are the value's only
  // one.
  TensorId repeated(const OpNode& node, const Value& value, const Shape& shape);
  // A map that has each of the value's channels so many times, one after the other.
  TensorId repeated_channels(const OpNode& node, const Value& value, int times);
  // The number of rows or columns left of this value's, which must not be none; one where their
  // number is open yet, and then the graph is not run.
  int cells_or_one(const OpNode& node, const Value& value, int count);
  // What a padding operator adds around the input's maps. Throws where it adds to other axes.
  Pad read_pad(const OpNode& node, const Value& input) const;
  // Whether a convolution of this window reads the pad as it does its own.
  static bool folds(const Pad& pad, const TfLiteConvParams& params, int kernel_h, int kernel_w);

  void push(const OpNode& node, Operator op) {
    graph_.nodes.push_back({std::move(op), name_of(context_, node)});
  }
  const TfLiteTensor& tensor(int index) const { return context_.tensors[index]; }
  const Shape& shape_of(const Value& value) const { return graph_.tensors[value.id]; }
  // Whether there is a single position in each image, at any size.
  bool is_vector(const Value& value) const {
    return value.fixed_size && shape_of(value).height == 1 && shape_of(value).width == 1;
  }

  // An operand, which becomes an input of the graph unless a node has made it.
  Value value(const OpNode& node, int input);
  // Throws where a RESHAPE or TRANSPOSE waits for another reader.
  // Other axes than a map's in NHWC come only to operators that say so (operators.cc).
  Value unpadded_value(const OpNode& node, int input);
  Value map_value(const OpNode& node, int input);  // in NHWC
  // Of a map, whose channels may come first, or of rows.
  static std::size_t channel_axis(const Value& value) {
    return value.channels_first ? 1 : value.dims.size() - 1;
  }
  // Of a map; its columns' is the next one.
  static std::size_t rows_axis(const Value& value) { return value.channels_first ? 2 : 1; }
  // The tensor's value, its pad in memory.
  Value padded_value(int tensor);
  // The constant operand's elements, float or int; data() is null for one left out.
  std::span<const float> constant(const OpNode& node, size_t input) const;
  const float* weights(const OpNode& node) const;
  const float* bias(const OpNode& node, size_t operand, int filters) const;
  // A constant operand's number for each channel of another operand.
  std::vector<float> channel_constants(const OpNode& node, const Value& input,
                                       size_t operand) const;
  bool is_constant_operand(const OpNode& node, size_t operand) const;
  // Of a constant, or of Numbers that are all known.
  std::vector<int> constant_ints(const OpNode& node, size_t input) const;

  // What the node makes of `source`; maybe more is known of it: the result refers to values_.
  Value& define(const OpNode& node, const Value& source, const Shape& shape, std::vector<int> dims,
                Activation activation, int output = 0);
  Value& define(const OpNode& node, const Operands& operands, Activation activation);
  // As large as the source.
  Value& define(const OpNode& node, const Value& source, Activation activation) {
    return define(node, source, shape_of(source), source.dims, activation);
  }
  // Of no values beyond the source's.
  Value& define_moved(const OpNode& node, const Value& source, const Shape& shape,
                      std::vector<int> dims, int output = 0);
  // These cells of each axis of the source.
  void define_slice(const OpNode& node, const Value& source, std::vector<Steps> axes);
  // These channels of it.
  Value selected_channels(const OpNode& node, const Value& source, std::vector<int> channels,
                          std::vector<int> dims, int output = 0);
  // Parts with these channels of it, interleaved.
  Value interleaved_parts(const OpNode& node, const Value& source,
                          const std::vector<std::vector<int>>& parts, int block,
                          std::vector<int> dims);
  // The source with these axes: a map, if they are those of NHWC or NCHW, else a view.
  void rearrange(const OpNode& node, const Value& source, const Axes& axes);
  void define_view(const OpNode& node, const Value& source, const Axes& axes);
  Axes map_axes(const Value& value) const;  // those of NHWC
  Axes axes_of(const Value& value) const;
  void set_channels_first(Value& value, int viewer) const;
  // Whether it makes NHWC of a padded NCHW, or the other way round: the pad goes on waiting.
  bool turns_padded(const OpNode& node, std::span<const int> order);
  // The same elements under these dims, those of NHWC or of rows.
  void alias(const OpNode& node, const Value& source, std::vector<int> dims);

  const TfLiteContext& context_;
  Constants& constants_;
  Graph graph_;
  std::map<int, Value> values_;
  std::map<int, Numbers> numbers_;  // by their tensor
  std::map<int, int> decoders_;     // nodes that nothing needs to run, by the tensor they write
  std::vector<int> inputs_;
  bool size_is_open_ = false, is_runnable_ = true;  // as in PartitionGraph
  std::vector<int> convolution_nodes_;
};

}  // namespace patternlite::tflite
