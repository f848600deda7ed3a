#include "engine/graph/scaling.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace patternlite {

std::optional<Scaling> scaling_by(ArithmeticKind kind, std::vector<float> numbers,
                                  bool numbers_first) {
  Scaling scaling{.input = kNoTensor,
                  .output = kNoTensor,
                  .scales = std::vector<float>(numbers.size(), 1),
                  .shifts = std::vector<float>(numbers.size())};
  switch (kind) {
    case ArithmeticKind::kSubtract:
      if (numbers_first) {
        scaling.scales.assign(numbers.size(), -1);
      } else {
        std::ranges::transform(numbers, numbers.begin(), std::negate());
      }
      [[fallthrough]];
    case ArithmeticKind::kAdd:
      scaling.shifts = std::move(numbers);
      break;
    case ArithmeticKind::kDivide:
      if (numbers_first) return std::nullopt;
      for (float& number : numbers) number = 1 / number;
      if (!std::ranges::all_of(numbers, [](float it) { return std::isfinite(it); })) {
        return std::nullopt;
      }
      [[fallthrough]];
    case ArithmeticKind::kMultiply:
      scaling.scales = std::move(numbers);
      break;
  }
  return scaling;
}

}  // namespace patternlite
