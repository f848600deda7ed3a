#include "tflite/read/sparse_tensor.h"

#include <algorithm>

namespace patternlite::tflite {
namespace {

constexpr std::int64_t kMostElements = std::int64_t{1} << 28;

std::span<const int> items_or_none(const TfLiteIntArray* array) {
  return array && array->size > 0 ? items(array) : std::span<const int>();
}

// One level of storage: all indices of an axis or of a block's axis, or those that are not empty.
struct Level {
  bool dense = true;
  int size = 0;
  std::int64_t stride = 0;  // in the dense tensor, between neighbours along the level
  std::span<const int> segments, indices;
};

// Checks the description, so that the walk over it needs no checks.
class Description {
 public:
  explicit Description(const TfLiteTensor& tensor)
      : dims_(items_or_none(tensor.dims)), sparsity_(*tensor.sparsity) {
    valid_ = measure() && read_levels() && count_values();
  }

  bool valid() const { return valid_; }
  const std::vector<Level>& levels() const { return levels_; }
  std::int64_t elements() const { return elements_; }
  std::int64_t values() const { return values_; }

 private:
  bool measure() {
    strides_.resize(dims_.size());
    for (std::size_t axis = dims_.size(); axis-- > 0;) {
      if (dims_[axis] < 1) return false;
      strides_[axis] = elements_;
      elements_ *= dims_[axis];
      if (elements_ > kMostElements) return false;
    }
    return !dims_.empty();
  }

  bool read_levels() {
    const std::span<const int> order = items_or_none(sparsity_.traversal_order);
    const std::span<const int> block_map = items_or_none(sparsity_.block_map);
    const std::size_t rank = dims_.size();
    if (order.size() != rank + block_map.size() || !sparsity_.dim_metadata ||
        sparsity_.dim_metadata_size != static_cast<int>(order.size())) {
      return false;
    }
    std::vector<int> block_size(rank, 1);
    std::vector<bool> seen(order.size());
    levels_.resize(order.size());
    // The innermost levels, of blocks, come first: they tell the sizes of the outer ones.
    for (std::size_t i = order.size(); i-- > 0;) {
      const bool is_block = i >= rank;
      const int entry = order[i];
      if (entry < 0 || entry >= static_cast<int>(order.size()) || seen[entry] ||
          is_block != (entry >= static_cast<int>(rank))) {
        return false;
      }
      seen[entry] = true;
      const int axis = is_block ? block_map[entry - rank] : entry;
      if (axis < 0 || axis >= static_cast<int>(rank)) return false;
      if (!read_level(sparsity_.dim_metadata[i], axis, is_block, block_size[axis], levels_[i])) {
        return false;
      }
    }
    return true;
  }

  bool read_level(const TfLiteDimensionMetadata& metadata, int axis, bool is_block, int& block_size,
                  Level& level) {
    level.dense = metadata.format == kTfLiteDimDense;
    level.segments = items_or_none(metadata.array_segments);
    level.indices = items_or_none(metadata.array_indices);
    if (is_block) {
      // One dense block level for an axis, which it divides.
      const int size = metadata.dense_size;
      if (!level.dense || block_size != 1 || size < 1 || dims_[axis] % size != 0) return false;
      level.stride = strides_[axis];
      level.size = block_size = size;
      return true;
    }
    level.stride = strides_[axis] * block_size;
    level.size = dims_[axis] / block_size;
    return level.dense ? metadata.dense_size == level.size : metadata.format == kTfLiteDimSparseCsr;
  }

  // Every row of a compressed level begins where the one before ended.
  bool count_values() {
    values_ = 1;
    for (const Level& level : levels_) {
      if (level.dense) {
        values_ *= level.size;
      } else {
        if (static_cast<std::int64_t>(level.segments.size()) != values_ + 1 ||
            level.segments.front() != 0 || !std::ranges::is_sorted(level.segments) ||
            level.segments.back() != static_cast<int>(level.indices.size()) ||
            !ascending_rows(level)) {
          return false;
        }
        values_ = static_cast<std::int64_t>(level.indices.size());
      }
      if (values_ > elements_) return false;
    }
    return true;
  }

  static bool ascending_rows(const Level& level) {
    for (std::size_t row = 0; row + 1 < level.segments.size(); ++row) {
      int next = 0;
      for (int i = level.segments[row]; i < level.segments[row + 1]; ++i) {
        if (level.indices[i] < next || level.indices[i] >= level.size) return false;
        next = level.indices[i] + 1;
      }
    }
    return true;
  }

  std::span<const int> dims_;
  const TfLiteSparsity& sparsity_;
  std::int64_t elements_ = 1, values_ = 0;
  std::vector<std::int64_t> strides_;
  std::vector<Level> levels_;
  bool valid_ = false;
};

template <typename T>
struct Walk {
  const std::vector<Level>& levels;
  const T* next;
  T* dense;

  // `row`: how many rows of this level came before.
  void fill(std::size_t depth, std::int64_t row, std::int64_t offset) {
    if (depth == levels.size()) {
      dense[offset] = *next++;
      return;
    }
    const Level& level = levels[depth];
    if (level.dense) {
      for (int i = 0; i < level.size; ++i) {
        fill(depth + 1, row * level.size + i, offset + i * level.stride);
      }
      return;
    }
    for (int i = level.segments[row]; i < level.segments[row + 1]; ++i) {
      fill(depth + 1, i, offset + level.indices[i] * level.stride);
    }
  }
};

}  // namespace

template <typename T>
std::optional<std::vector<T>> densify(const TfLiteTensor& tensor) {
  const Description description(tensor);
  if (!description.valid() || (!tensor.data.raw && tensor.bytes != 0) ||
      tensor.bytes != description.values() * sizeof(T)) {
    return std::nullopt;
  }
  std::vector<T> dense(description.elements(), T{});
  Walk<T>{description.levels(), static_cast<const T*>(tensor.data.raw), dense.data()}.fill(0, 0, 0);
  return dense;
}

template std::optional<std::vector<float>> densify(const TfLiteTensor& tensor);
template std::optional<std::vector<std::uint16_t>> densify(const TfLiteTensor& tensor);

}  // namespace patternlite::tflite
