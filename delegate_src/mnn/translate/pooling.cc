#include "mnn/translate/pooling.h"

#include <algorithm>
#include <cstdint>

#include "mnn/abi/flat_table.h"
#include "mnn/model/operator.h"

namespace patternlite::mnn {
namespace {

constexpr std::uint8_t kMainPool = 31;
constexpr int kPadX = 4, kPadY = 6, kGlobal = 8, kKernelX = 10, kKernelY = 12, kStrideX = 14,
              kStrideY = 16, kKind = 18, kPadding = 20, kPads = 26, kCounting = 28;
constexpr int kPaddingExplicit = 0, kPaddingSame = 2;
constexpr int kCountsByPadding = 0, kCountsZeros = 1;

struct PoolingOp {
  PoolMode mode = PoolMode::kMax;
  Window window;  // explicit paddings filled in
  bool global = false;
  bool same_padding = false;
  bool counts_zeros = false;  // those around the image count as cells of the mean
};

std::optional<PoolingOp> read_pooling(const abi::Op* op) {
  const FlatTable table = main_of(op, kMainPool);
  if (!table) return std::nullopt;
  auto integer = [&table](int id) { return table.scalar<std::int32_t>(id, 0); };
  PoolingOp pool;
  pool.mode = table.scalar<std::int8_t>(kKind, 0) == 0 ? PoolMode::kMax : PoolMode::kAverage;
  pool.global = table.scalar<std::uint8_t>(kGlobal, 0) != 0;
  const int padding = table.scalar<std::int8_t>(kPadding, 0);
  pool.same_padding = padding == kPaddingSame;
  pool.window = {.kernel_h = integer(kKernelY),
                 .kernel_w = integer(kKernelX),
                 .stride_h = integer(kStrideY),
                 .stride_w = integer(kStrideX)};
  const auto pads = table.vector<std::int32_t>(kPads);
  if (padding == kPaddingExplicit) {
    pool.window.pad_top = integer(kPadY);
    pool.window.pad_left = integer(kPadX);
    if (pads.size() == 4) {
      pool.window.pad_top = pads[0];
      pool.window.pad_left = pads[1];
    }
  }
  const int counting = table.scalar<std::int8_t>(kCounting, kCountsByPadding);
  pool.counts_zeros = counting == kCountsZeros ||
                      (counting == kCountsByPadding && padding == kPaddingExplicit && pads.empty());
  return pool;
}

// Without what it needs behind the image; nothing if it is no window that runs here.
std::optional<Window> window_between(const PoolingOp& pool, const Shape& input,
                                     const Shape& output) {
  Window w = pool.window;
  if (pool.global) {
    w = {.kernel_h = input.height,
         .kernel_w = input.width,
         .stride_h = input.height,
         .stride_w = input.width};
  }
  if (fault_of(w)) return std::nullopt;
  if (pool.same_padding && !pool.global) {
    w = same_padded(w, input, output);
    w.pad_top = std::max(w.pad_top, 0);
    w.pad_left = std::max(w.pad_left, 0);
  }
  return w;
}

std::optional<RecordedNode> pooled(const Operands& operands, const PoolingOp& pool) {
  const Operand &input = operands.inputs[0], &output = operands.output;
  const Shape &from = input.map.shape, &to = output.map.shape;
  if (operands.inputs.size() != 1 || !input.is_map() || input.map.batch != output.map.batch ||
      from.channels != to.channels || input.map.order != MapOrder::kBlocked ||
      output.map.order != MapOrder::kBlocked) {
    return std::nullopt;
  }
  const auto found = window_between(pool, from, to);
  if (!found) return std::nullopt;
  Window w = *found;
  // How far the last window lies beyond the image.
  const auto beyond = [](int count, std::int64_t stride, int pad, int kernel, int size) {
    return (count - 1) * stride - pad + kernel - size;
  };
  const auto below = beyond(to.height, w.stride_h, w.pad_top, w.kernel_h, from.height);
  const auto right = beyond(to.width, w.stride_w, w.pad_left, w.kernel_w, from.width);
  const bool cells_in_each = w.pad_top >= 0 && w.pad_left >= 0 && w.pad_top < w.kernel_h &&
                             w.pad_left < w.kernel_w && below < w.kernel_h && right < w.kernel_w;
  if (!cells_in_each) return std::nullopt;
  const bool leaves_image = w.pad_top > 0 || w.pad_left > 0 || below > 0 || right > 0;
  if (pool.mode == PoolMode::kMax || !leaves_image || !pool.counts_zeros) {
    return node_of(operands, {Pooling{input.id, output.id, pool.mode, w}});
  }
  // MNN counts as many zeros behind the image as before it, not more.
  if (below > w.pad_top || right > w.pad_left) return std::nullopt;
  Padding pad{input.id,
              kNoTensor,
              w.pad_top,
              w.pad_left,
              static_cast<int>(std::max<std::int64_t>(below, 0)),
              static_cast<int>(std::max<std::int64_t>(right, 0))};
  pad.output = operands.recording.between(
      {from.channels, from.height + pad.top + pad.bottom, from.width + pad.left + pad.right});
  w.pad_top = w.pad_left = 0;
  return node_of(operands, {pad, Pooling{pad.output, output.id, pool.mode, w}});
}

}  // namespace

Translation pooling(const abi::Op* op) {
  const auto pool = read_pooling(op);
  if (!pool) return nullptr;
  return [pool = *pool](const Operands& operands) { return pooled(operands, pool); };
}

}  // namespace patternlite::mnn
