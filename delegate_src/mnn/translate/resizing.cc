#include "mnn/translate/resizing.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mnn/abi/flat_table.h"

namespace patternlite::mnn {
namespace {

constexpr std::uint8_t kMainInterp = 22;
constexpr int kWidthScale = 4, kHeightScale = 6, kMethod = 12, kWidthOffset = 18,
              kHeightOffset = 20;

enum Method { kNearest = 1, kBilinear = 2, kNearestRounded = 4 };

// Where an output cell's centre lies among the input's cells, in MNN's precision.
struct Axis {
  float scale, offset;
  float at(int cell) const { return static_cast<float>(cell) * scale + offset; }
};

int within(float cell, int cells) {
  return static_cast<int>(std::clamp(cell, 0.0f, static_cast<float>(cells - 1)));
}

std::vector<int> nearest(const Axis& axis, Method method, int input, int output) {
  const float ahead = method == kNearestRounded ? 0.499f : 0;
  std::vector<int> cells(output);
  for (int i = 0; i < output; ++i) cells[i] = within(std::floor(axis.at(i) + ahead), input);
  return cells;
}

std::vector<Blend> blended(const Axis& axis, int input, int output) {
  std::vector<Blend> cells(output);
  for (int i = 0; i < output; ++i) {
    const float at = axis.at(i), first = std::floor(at);
    cells[i] = {within(first, input), within(first + 1, input), at - first};
  }
  return cells;
}

}  // namespace

Translation resizing(const abi::Op* op) {
  const FlatTable table = main_of(op, kMainInterp);
  if (!table) return nullptr;
  const Axis rows{table.scalar<float>(kHeightScale, 0), table.scalar<float>(kHeightOffset, 0)};
  const Axis columns{table.scalar<float>(kWidthScale, 0), table.scalar<float>(kWidthOffset, 0)};
  for (const float number : {rows.scale, rows.offset, columns.scale, columns.offset}) {
    if (!std::isfinite(number)) return nullptr;
  }
  const auto method = static_cast<Method>(table.scalar<std::int32_t>(kMethod, 0));
  if (method != kNearest && method != kBilinear && method != kNearestRounded) return nullptr;
  return [=](const Operands& operands) -> std::optional<RecordedNode> {
    const Operand &input = operands.inputs[0], &output = operands.output;
    const Shape &from = input.map.shape, &to = output.map.shape;
    const bool fit = operands.inputs.size() == 1 && input.is_map() &&
                     input.map.order == MapOrder::kBlocked &&
                     output.map.order == MapOrder::kBlocked &&
                     input.map.batch == output.map.batch && from.channels == to.channels;
    if (!fit) return std::nullopt;
    if (method == kBilinear) {
      return node_of(operands,
                     {BilinearResize{input.id, output.id, blended(rows, from.height, to.height),
                                     blended(columns, from.width, to.width)}});
    }
    return node_of(operands,
                   {Resize{input.id, output.id, nearest(rows, method, from.height, to.height),
                           nearest(columns, method, from.width, to.width)}});
  };
}

}  // namespace patternlite::mnn
