#include "engine/pack/fully_connected.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "engine/pack/epilogue.h"
#include "engine/pack/planes.h"
#include "engine/recognise/cost_model.h"
#include "engine/support/is_zero.h"
#include "engine/support/scratch.h"
#include "engine/support/share_out.h"

namespace patternlite {
namespace {

constexpr int kSharesPerThread = 4;

// The filters as rows of a matrix, whose columns are the input's values in NHWC order.
struct Rows {
  const float* data;
  std::size_t stride;
  const float* row(int r) const { return data + r * stride; }
};

// `count` filters from `first` on: in place if they have that layout (and outlive `conv`, if they
// are to be kept), otherwise copied to `copy`.
Rows filter_rows(const Convolution& conv, const Shape& input, int first, int count, bool keep,
                 AlignedVector<float>& copy) {
  const WeightsView& w = conv.weights;
  const bool in_order =
      (w.channel_stride == 1 || input.channels == 1) &&
      (w.column_stride == input.channels || input.width == 1) &&
      (w.row_stride == std::ptrdiff_t{input.width} * input.channels || input.height == 1);
  if (in_order && (w.lasting || !keep)) {
    return {w.data + first * w.filter_stride, static_cast<std::size_t>(w.filter_stride)};
  }
  const std::size_t columns = input.elements();
  copy.clear();
  copy.reserve(count * columns);
  for (int r = first; r < first + count; ++r) {
    if (in_order) {
      const float* row = w.data + r * w.filter_stride;
      copy.insert(copy.end(), row, row + columns);
      continue;
    }
    for (int y = 0; y < input.height; ++y) {
      for (int x = 0; x < input.width; ++x) {
        for (int c = 0; c < input.channels; ++c) copy.push_back(w.at(r, c, y, x));
      }
    }
  }
  return {copy.data(), columns};
}

// What both kinds do: bring the input into the matrix's order.
class FullyConnected : public PackedConvolution {
 public:
  FullyConnected(const Convolution& conv, const PlanarLayout& input, const PlanarLayout& output,
                 const kernels::KernelTable& kernels)
      : output_plane_(output.plane()),
        to_interleaved_(kernels.to_interleaved),
        flatten_(interleave_of(input)),
        columns_(input.shape.elements()),
        epilogue_(epilogue_of(conv.activation)) {
    if (conv.bias != nullptr) bias_.assign(conv.bias, conv.bias + output.shape.channels);
  }

 protected:
  // Valid until this thread's next fully connected layer.
  const float* flat(const float* input) const {
    kernels::Interleave task = flatten_;
    task.input = input;
    task.output = scratch_of<FullyConnected>(columns_);
    to_interleaved_(task);
    return task.output;
  }

  const float* bias() const { return bias_.empty() ? nullptr : bias_.data(); }
  kernels::Epilogue epilogue(const float* residual) const {
    kernels::Epilogue all = epilogue_;
    all.residual = residual;
    return all;
  }
  std::size_t bias_bytes() const { return bias_.size() * sizeof(float); }
  std::size_t output_plane() const { return output_plane_; }

 private:
  std::size_t output_plane_;
  void (*to_interleaved_)(const kernels::Interleave&);
  kernels::Interleave flatten_;
  std::size_t columns_;
  kernels::Epilogue epilogue_;
  std::vector<float> bias_;
};

class DenseFullyConnected final : public FullyConnected {
 public:
  DenseFullyConnected(const Convolution& conv, const PlanarLayout& input,
                      const PlanarLayout& output, const kernels::KernelTable& kernels)
      : FullyConnected(conv, input, output, kernels),
        kernel_(kernels.fc_dense),
        rows_(output.shape.channels),
        columns_(static_cast<int>(input.shape.elements())),
        matrix_(filter_rows(conv, input.shape, 0, rows_, /*keep=*/true, copy_)) {}

  void run(const float* input, const float* residual, float* output,
           Parallel& parallel) const override {
    const kernels::FcDense all{.input = flat(input),
                               .output = output,
                               .weights = matrix_.row(0),
                               .row_stride = matrix_.stride,
                               .bias = bias(),
                               .epilogue = epilogue(residual),
                               .output_plane = output_plane(),
                               .columns = columns_};
    const std::size_t floats = static_cast<std::size_t>(rows_) * columns_;
    const auto body = [&](int begin, int end) {
      kernels::FcDense task = all;
      task.row_begin = begin;
      task.row_end = end;
      kernel_(task);
    };
    share_out(rows_, floats, parallel, body, {.per_thread = kSharesPerThread, .unit = 4});
  }

  std::string kernel_name() const override { return "fc-dense"; }
  std::size_t weight_bytes() const override { return copy_.size() * sizeof(float) + bias_bytes(); }

 private:
  void (*kernel_)(const kernels::FcDense&);
  int rows_, columns_;
  AlignedVector<float> copy_;
  Rows matrix_;
};

class SparseFullyConnected final : public FullyConnected {
 public:
  SparseFullyConnected(const Convolution& conv, std::size_t nonzero, const PlanarLayout& input,
                       const PlanarLayout& output, const kernels::KernelTable& kernels)
      : FullyConnected(conv, input, output, kernels),
        kernel_(kernels.fc_sparse),
        rows_(output.shape.channels),
        columns_(static_cast<int>(input.shape.elements())),
        // Room for one more: every weight is written, and overwritten by the next if it is zero.
        weights_(nonzero + 1),
        column_(nonzero + 1) {
    AlignedVector<float> copy;  // of one block, since most of a model's weights may be in one layer
    std::uint32_t at = 0;
    start_.push_back(at);
    for (int block = 0; block < rows_; block += kernels::kFcBlock) {
      const int rows = std::min(kernels::kFcBlock, rows_ - block);
      const Rows matrix = filter_rows(conv, input.shape, block, rows, /*keep=*/false, copy);
      for (int chunk = 0; chunk < columns_; chunk += kernels::kFcChunk) {
        const int columns = std::min(kernels::kFcChunk, columns_ - chunk);
        for (int r = 0; r < rows; ++r) {
          const float* row = matrix.row(r) + chunk;
          for (int i = 0; i < columns; ++i) {
            weights_[at] = row[i];
            column_[at] = static_cast<std::uint16_t>(i);
            at += !is_zero(row[i]);
          }
          start_.push_back(at);
        }
      }
    }
  }

  void run(const float* input, const float* residual, float* output,
           Parallel& parallel) const override {
    const kernels::FcSparse all{.input = flat(input),
                                .output = output,
                                .weights = weights_.data(),
                                .column = column_.data(),
                                .start = start_.data(),
                                .bias = bias(),
                                .epilogue = epilogue(residual),
                                .output_plane = output_plane(),
                                .rows = rows_,
                                .columns = columns_};
    const int blocks = (rows_ + kernels::kFcBlock - 1) / kernels::kFcBlock;
    const auto body = [&](int begin, int end) {
      kernels::FcSparse task = all;
      task.block_begin = begin;
      task.block_end = end;
      kernel_(task);
    };
    share_out(blocks, weights_.size(), parallel, body, {.per_thread = kSharesPerThread});
  }

  std::string kernel_name() const override { return "fc-sparse"; }
  std::size_t weight_bytes() const override {
    return weights_.size() * sizeof(float) + column_.size() * sizeof(std::uint16_t) +
           start_.size() * sizeof(std::uint32_t) + bias_bytes();
  }

 private:
  void (*kernel_)(const kernels::FcSparse&);
  int rows_, columns_;
  AlignedVector<float> weights_;
  AlignedVector<std::uint16_t> column_;
  std::vector<std::uint32_t> start_;
};

}  // namespace

std::unique_ptr<PackedConvolution> pack_fully_connected(const Convolution& conv,
                                                        const Sparsity& sparsity,
                                                        const PlanarLayout& input,
                                                        const PlanarLayout& output,
                                                        const kernels::KernelTable& kernels) {
  if (sparse_fc_pays(sparsity.density) &&
      sparsity.nonzero < std::numeric_limits<std::uint32_t>::max()) {
    return std::make_unique<SparseFullyConnected>(conv, sparsity.nonzero, input, output, kernels);
  }
  return std::make_unique<DenseFullyConnected>(conv, input, output, kernels);
}

}  // namespace patternlite
