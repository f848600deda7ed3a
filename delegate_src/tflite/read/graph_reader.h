// TFLite operators -> engine graph.
//
// Shapes are derived from the inputs' shapes alone, never read from the outputs: after a resize the
// runtime's record of the tensors inside a partition is stale. One reader both finds out whether an
// operator can be taken and builds a partition's graph.
//
// What can be read at one size of the inputs must be readable at every size that the stock runtime
// runs, since what is claimed is not given back. So an operator that needs a single position is
// read only if there never are more, and operators whose meaning changes with the number of
// positions (a FULLY_CONNECTED, an ADD that repeats an operand) have all their meanings here. The
// exceptions are: a FULLY_CONNECTED on whole maps, with which the runtime would multiply parts of
// images at other sizes; a RESHAPE that names some sizes of a map, such as 1, -1, 8, 4, 16, which
// would join parts of rows at other sizes; slices that name the images of a batch instead of
// leaving them open, as some converters write all slices; and a TRANSPOSE_CONV whose output size is
// a constant.
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

// A partition's graph and its connections to the interpreter. Weights lie where the file or the
// reader's Constants have them.
struct PartitionGraph {
  Graph graph;
  int batch = 1;            // the largest; may be 0
  std::vector<int> inputs;  // tensors, in the order of graph.inputs
  std::vector<int> input_batches;
  std::vector<int> measured;  // tensors of which only the shape is read
  std::vector<int> outputs;   // tensors, in the order of graph.outputs
  std::vector<int> output_batches;
  std::vector<std::vector<int>> output_dims;  // TFLite shapes of the outputs
  bool size_is_open = false;                  // of an input
  bool is_runnable = true;  // false if something is wider than the 1 of an open size
  // The node index of each convolution, in graph order; a TRANSPOSE_CONV becomes several.
  std::vector<int> convolution_nodes;
};

// Whether a map's height or width is open until a resize sets it: meanwhile it is 1.
bool has_open_size(const TfLiteTensor& tensor);

class GraphReader {
 public:
  // Tensors are read through the context whenever a node is added.
  GraphReader(const TfLiteContext& context, Constants& constants)
      : context_(context), constants_(constants) {}

  // Adds an operator. Throws Declined, naming the node to leave out: this one, or the one whose
  // output it cannot read (a PAD, RESHAPE, TRANSPOSE, part of a norm, or a weight's DEQUANTIZE).
  void add(const OpNode& node);

  // The graph that computes these tensors. Throws Declined as well.
  PartitionGraph finish(std::span<const int> outputs) &&;

 private:
  // A PAD that waits for a convolution or max pooling to read it, which needs no zeros in memory.
  struct Pad {
    int node = -1;
    int top = 0, left = 0, bottom = 0, right = 0;
    float fill = 0;
  };
  // What a TFLite tensor is inside the graph. Its elements have the order of the engine's tensor in
  // NHWC, even if `dims` says that it is flat, with a row for each image or position; unless its
  // channels come first or there is a view.
  struct Value {
    TensorId id = -1;
    int batch = 1;
    std::vector<int> dims;
    bool fixed_size = false;  // height and width do not depend on those of the inputs
    bool non_negative = false;
    int alias_node = -1;  // the RESHAPE or SQUEEZE that made it
    int flattener = -1;   // the RESHAPE to rows that are other parts at other sizes and batches
    bool channels_first = false;  // dims are those of NCHW
    // Its axes, if they are neither a map's nor rows, until a RESHAPE or TRANSPOSE makes a map of
    // them.
    std::optional<Axes> view = std::nullopt;
    int viewer = -1;                          // the RESHAPE or TRANSPOSE that made its axes
    int mean_of = -1;                         // the tensor whose positions it is the mean of
    std::optional<Norm> norm = std::nullopt;  // if it is only a part of one, of the tensor
    std::optional<Pad> pad = std::nullopt;
  };

  // An int tensor that the graph computes from shapes: those of its numbers that are known, because
  // they are a batch or the same at any size.
  struct Numbers {
    int node;  // computes it, and need not be run
    std::vector<std::optional<int>> known;
  };

  // Cells of an axis: `count` from `first` on, `step` apart.
  struct Steps {
    int first, count, step = 1;
    std::vector<int> cells() const;
    bool is_whole(int size) const { return first == 0 && count == size && step == 1; }
  };

  static constexpr int kMostCells = 1 << 15;  // in an axis that is resized or repeated
  static constexpr std::array kToNchw = {0, 3, 1, 2}, kToNhwc = {0, 2, 3, 1};

  // Two operands, and the shape of their result, in which single rows, columns or images are
  // repeated.
  struct Operands {
    Value a, b;
    Shape shape;
    std::vector<int> dims;
  };

  // What must be known about an operator before its operands are read. Throws Declined for others.
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
  // Whether the node reads a part of a norm and makes another part. Throws if it makes anything
  // else of it.
  bool continues_norm(const OpNode& node);
  std::optional<Value> part_of_norm(const OpNode& node, std::size_t operand) const;
  struct NormOperands;
  std::optional<NormOperands> norm_operands(const OpNode& node) const;
  static bool ends_norm(const OpNode& node, const NormOperands& read);
  Norm next_part(const OpNode& node, const NormOperands& read) const;
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
  // The cells that a STRIDED_SLICE takes of axes of these sizes.
  std::vector<Steps> strided_steps(const OpNode& node, std::span<const int> sizes) const;
  Operands broadcast(const OpNode& node);
  // The value's tensor, or a map of this shape in which the value's only row or column is repeated.
  TensorId repeated(const OpNode& node, const Value& value, const Shape& shape);
  // A map with each of the value's channels repeated so many times in a row.
  TensorId repeated_channels(const OpNode& node, const Value& value, int times);
  // The number of rows or columns that are left of this value's, which must not be 0; it is 1 if
  // their number is still open, and then the graph is not run.
  int cells_or_one(const OpNode& node, const Value& value, int count);
  // What a padding operator adds around the input's maps. Throws if it adds to other axes.
  Pad read_pad(const OpNode& node, const Value& input) const;
  // Whether a convolution with this window reads the pad just like its own padding.
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

  // An operand. It becomes an input of the graph unless a node has made it.
  Value value(const OpNode& node, int input);
  // Throws if a RESHAPE or TRANSPOSE waits for another reader. Axes other than a map's in NHWC are
  // passed only to operators that accept them (operators.cc).
  Value unpadded_value(const OpNode& node, int input);
  Value map_value(const OpNode& node, int input);  // in NHWC
  // The index of the channels' axis, in a map (whose channels may come first) or in rows.
  static std::size_t channel_axis(const Value& value) {
    return value.channels_first ? 1 : value.dims.size() - 1;
  }
  // The index of a map's row axis; that of its columns is the next one.
  static std::size_t rows_axis(const Value& value) { return value.channels_first ? 2 : 1; }
  // The tensor's value, its pad in memory.
  Value padded_value(int tensor);
  // A constant operand's elements, float or int; data() is null if it is left out.
  std::span<const float> constant(const OpNode& node, size_t input) const;
  const float* weights(const OpNode& node) const;
  const float* bias(const OpNode& node, size_t operand, int filters) const;
  // A constant operand's numbers, one for each channel of another operand.
  std::vector<float> channel_constants(const OpNode& node, const Value& input,
                                       size_t operand) const;
  bool is_constant_operand(const OpNode& node, size_t operand) const;
  // The ints of a constant, or of Numbers that are all known.
  std::vector<int> constant_ints(const OpNode& node, size_t input) const;

  // Records what the node makes of `source`. Returns the value in values_, to which more may be
  // added.
  Value& define(const OpNode& node, const Value& source, const Shape& shape, std::vector<int> dims,
                Activation activation, int output = 0);
  Value& define(const OpNode& node, const Operands& operands, Activation activation);
  // A result as large as the source.
  Value& define(const OpNode& node, const Value& source, Activation activation) {
    return define(node, source, shape_of(source), source.dims, activation);
  }
  // A result with no values other than the source's.
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
  // The source with these axes: a map if they are those of NHWC or NCHW, otherwise a view.
  void rearrange(const OpNode& node, const Value& source, const Axes& axes);
  void define_view(const OpNode& node, const Value& source, const Axes& axes);
  Axes map_axes(const Value& value) const;  // of NHWC
  Axes axes_of(const Value& value) const;
  void set_channels_first(Value& value, int viewer) const;
  // Whether it turns a padded NCHW into NHWC, or the other way round: then the pad goes on waiting.
  bool turns_padded(const OpNode& node, std::span<const int> order);
  // The same elements with these dims, of NHWC or of rows.
  void alias(const OpNode& node, const Value& source, std::vector<int> dims);

  const TfLiteContext& context_;
  Constants& constants_;
  Graph graph_;
  std::map<int, Value> values_;
  std::map<int, Numbers> numbers_;  // tensor -> its numbers
  std::map<int, int> decoders_;     // tensor -> the node that writes it and need not be run
  std::vector<int> inputs_;
  bool size_is_open_ = false, is_runnable_ = true;  // as in PartitionGraph
  std::vector<int> convolution_nodes_;
};

}  // namespace patternlite::tflite
