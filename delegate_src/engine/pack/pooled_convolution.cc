#include "engine/pack/pooled_convolution.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "engine/pack/pool_task.h"
#include "engine/support/machine.h"
#include "engine/support/scratch.h"
#include "engine/support/split.h"

namespace patternlite {
namespace {

int rows_pooled_from(const FusedPooling& pooling, int rows) {
  const Window& w = pooling.window;
  return std::min((rows - 1) * w.stride_h + w.kernel_h, pooling.input.height);
}

class PooledConvolution final : public PackedConvolution {
 public:
  // held: the layout of the convolution's own result, of which some rows are held at a time.
  PooledConvolution(const PlanarConvolution& conv, const PlanarLayout& held,
                    std::unique_ptr<PackedConvolution> convolution,
                    const kernels::KernelTable& kernels)
      : convolution_(std::move(convolution)),
        pool_kernel_(kernels.pool),
        pool_(pool_task(*conv.op.pooling, held, conv.pooled->layout)),
        window_(conv.op.pooling->window),
        held_(held),
        rows_at_once_(conv.pooled->rows_at_once) {}

  void run(const float* input, const float*, float* output, Parallel& parallel) const override {
    const int height = pool_.output_height, shares = std::min(parallel.threads(), height);
    const auto body = [&](int share) {
      const auto [first, last] = range_of(height, shares, share);
      run_rows(input, output, {first, last});
    };
    parallel.run(shares, std::ref(body));
  }

  bool by_rows() const override { return true; }

  void run_rows(const float* input, float* output, Range rows) const override {
    RowWindow result(held_, scratch_of<PooledConvolution>(held_.elements()));
    const int parts = (rows.count() + rows_at_once_ - 1) / rows_at_once_;
    for (int part = 0; part < parts; ++part) {
      const auto [begin, end] = range_of(rows.count(), parts, part);
      run_part(input, result, output, {rows.begin + begin, rows.begin + end});
    }
  }

  std::string kernel_name() const override { return convolution_->kernel_name() + "+pool"; }
  std::size_t weight_bytes() const override { return convolution_->weight_bytes(); }

 private:
  void run_part(const float* input, RowWindow& result, float* output, Range pooled) const {
    const Range missing = result.advance(rows_read(window_, pooled, held_.shape.height));
    if (missing.count() > 0) convolution_->run_rows(input, result.origin(), missing);
    kernels::Pool pool = pool_;
    pool.input = result.origin();
    pool.output = output;
    pool_kernel_(rows_of_pool(pool, pooled));
  }

  std::unique_ptr<PackedConvolution> convolution_;
  void (*pool_kernel_)(const kernels::Pool&);
  kernels::Pool pool_;
  Window window_;
  PlanarLayout held_;
  int rows_at_once_;
};

}  // namespace

int pooled_rows_at_once(const FusedPooling& pooling, const PlanarLayout& result) {
  const std::size_t row = sizeof(float) * result.pitch() * result.shape.channels;
  const std::size_t budget = second_level_cache() / 2;
  int rows = 1;
  while (rows_pooled_from(pooling, rows) < pooling.input.height &&
         rows_pooled_from(pooling, rows + 1) * row <= budget) {
    ++rows;
  }
  return rows;
}

std::unique_ptr<PackedConvolution> pack_pooled(
    const PlanarConvolution& conv, const kernels::KernelTable& kernels,
    const std::function<std::unique_ptr<PackedConvolution>(const PlanarConvolution&)>& pack) {
  PlanarConvolution unpooled = conv;
  unpooled.op.pooling.reset();
  unpooled.pooled.reset();
  unpooled.output.window =
      rows_to_hold(rows_pooled_from(*conv.op.pooling, conv.pooled->rows_at_once), unpooled.output);
  return std::make_unique<PooledConvolution>(conv, unpooled.output, pack(unpooled), kernels);
}

}  // namespace patternlite
