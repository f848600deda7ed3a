// GraphReader's evaluation of the operators that compute shapes. Where the batch is open,
// converters take it from a map for a RESHAPE or TRANSPOSE_CONV: PACK(STRIDED_SLICE(SHAPE(map)), 1,
// 1, 64).
#include <utility>

#include "tflite/read/graph_reader.h"

namespace patternlite::tflite {

void GraphReader::add_shape(const OpNode& node) {
  const Value input = value(node, 0);
  Numbers numbers{node.index, {}};
  for (const int size : input.dims) {
    const bool is_batch = numbers.known.empty() && input.dims.size() == 4 && !input.view;
    const bool is_known = is_batch || input.fixed_size;
    numbers.known.push_back(is_known ? std::optional(size) : std::nullopt);
  }
  numbers_[node.outputs[0]] = std::move(numbers);
}

void GraphReader::add_pack(const OpNode& node) {
  Numbers numbers{node.index, {}};
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const std::vector<int> part = constant_ints(node, i);
    if (part.size() != 1) throw Declined(node.index, "rank");
    numbers.known.push_back(part[0]);
  }
  numbers_[node.outputs[0]] = std::move(numbers);
}

void GraphReader::add_slice_of_numbers(const OpNode& node) {
  const std::vector<std::optional<int>>& all = numbers_.at(node.inputs[0]).known;
  const std::vector<int> sizes = {static_cast<int>(all.size())};
  Numbers numbers{node.index, {}};
  for (const int i : strided_steps(node, sizes)[0].cells()) {
    if (i >= sizes[0]) throw Declined(node.index, "size");
    numbers.known.push_back(all[i]);
  }
  numbers_[node.outputs[0]] = std::move(numbers);
}

}  // namespace patternlite::tflite
