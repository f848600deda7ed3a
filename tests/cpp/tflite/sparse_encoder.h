// Writes tensors in the sparse format, level by level, the plain way.
#pragma once

#include <algorithm>
#include <vector>

#include "tflite/abi/abi.h"

namespace patternlite::tflite {

// The numbers of a sparse tensor, free to be spoiled.
template <typename T>
struct SparseTensor {
  struct Level {
    int format = kTfLiteDimDense, size = 0;
    std::vector<int> segments, indices;
  };
  std::vector<int> dims, order, block_map;
  std::vector<Level> levels;
  std::vector<T> values;

  // Points into this object, and is good until the next call.
  TfLiteTensor tensor() {
    arrays_.clear();
    metadata_.clear();
    arrays_.reserve(2 * levels.size() + 3);
    for (const Level& level : levels) {
      metadata_.push_back({level.format, level.size, keep(level.segments), keep(level.indices)});
    }
    sparsity_ = {keep(order), keep(block_map), metadata_.data(),
                 static_cast<int>(metadata_.size())};
    TfLiteTensor made{};
    made.data.raw = values.data();
    made.bytes = values.size() * sizeof(T);
    made.dims = const_cast<TfLiteIntArray*>(keep(dims));
    made.sparsity = &sparsity_;
    return made;
  }

 private:
  const TfLiteIntArray* keep(const std::vector<int>& values) {
    arrays_.emplace_back(values);
    return arrays_.back().get();
  }

  std::vector<IntArray> arrays_;
  std::vector<TfLiteDimensionMetadata> metadata_;
  TfLiteSparsity sparsity_{};
};

struct SparseEncoder {
  std::vector<int> dims;
  std::vector<int> block_size;   // of each axis, 1: not cut into blocks
  std::vector<int> order;        // the axes' levels, outermost first
  std::vector<bool> compressed;  // [levels of axes]

  template <typename T>
  SparseTensor<T> encode(const std::vector<T>& dense) const {
    SparseTensor<T> sparse;
    sparse.dims = dims;
    sparse.order = order;
    const int rank = static_cast<int>(dims.size());
    std::vector<int> axis_of = order;  // of each level
    for (int axis = 0; axis < rank; ++axis) {
      if (block_size[axis] == 1) continue;
      sparse.order.push_back(rank + static_cast<int>(sparse.block_map.size()));
      sparse.block_map.push_back(axis);
      axis_of.push_back(axis);
    }
    std::vector<std::vector<int>> rows = {{}};  // the indices of the levels above, row by row
    for (int level = 0; level < static_cast<int>(axis_of.size()); ++level) {
      const int axis = axis_of[level];
      typename SparseTensor<T>::Level made;
      made.size = level < rank ? dims[axis] / block_size[axis] : block_size[axis];
      const bool packs = level < rank && compressed[level];
      made.format = packs ? kTfLiteDimSparseCsr : kTfLiteDimDense;
      if (packs) made.segments.push_back(0);
      std::vector<std::vector<int>> next;
      for (const std::vector<int>& row : rows) {
        for (int i = 0; i < made.size; ++i) {
          std::vector<int> longer = row;
          longer.push_back(i);
          if (packs && !any_below(dense, axis_of, longer)) continue;
          if (packs) made.indices.push_back(i);
          next.push_back(longer);
        }
        if (packs) made.segments.push_back(static_cast<int>(made.indices.size()));
      }
      rows = next;
      sparse.levels.push_back(made);
    }
    for (const std::vector<int>& row : rows) sparse.values.push_back(dense[place(axis_of, row)]);
    return sparse;
  }

 private:
  // The element that an index for each level names.
  std::size_t place(const std::vector<int>& axis_of, const std::vector<int>& row) const {
    std::vector<int> index(dims.size(), 0);
    for (std::size_t level = 0; level < axis_of.size(); ++level) {
      const int axis = axis_of[level];
      index[axis] = level < dims.size() ? row[level] : index[axis] * block_size[axis] + row[level];
    }
    std::size_t at = 0;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) at = at * dims[axis] + index[axis];
    return at;
  }

  template <typename T>
  bool any_below(const std::vector<T>& dense, const std::vector<int>& axis_of,
                 const std::vector<int>& row) const {
    if (row.size() == axis_of.size()) return dense[place(axis_of, row)] != 0;
    const int axis = axis_of[row.size()];
    const int size = row.size() < dims.size() ? dims[axis] / block_size[axis] : block_size[axis];
    for (int i = 0; i < size; ++i) {
      std::vector<int> longer = row;
      longer.push_back(i);
      if (any_below(dense, axis_of, longer)) return true;
    }
    return false;
  }
};

}  // namespace patternlite::tflite
