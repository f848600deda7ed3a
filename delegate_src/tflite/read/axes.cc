#include "tflite/read/axes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace patternlite::tflite {
namespace {

// Behind the others of an axis.
void append(Factors& axis, const Factor& factor) {
  if (factor.size == 1) return;
  if (!axis.empty() && axis.back().of == factor.of &&
      axis.back().stride == std::int64_t{factor.size} * factor.stride) {
    axis.back() = {factor.of, axis.back().size * factor.size, factor.stride};
  } else {
    axis.push_back(factor);
  }
}

bool all_of_channels(std::span<const Factor> factors) {
  return std::ranges::all_of(factors, [](const Factor& f) { return f.of == MapAxis::kChannels; });
}

}  // namespace

std::vector<int> steps_of(std::span<const Factor> factors) {
  std::vector<int> sums = {0};
  for (const Factor& factor : factors) {
    std::vector<int> longer;
    for (const int sum : sums) {
      for (int i = 0; i < factor.size; ++i) longer.push_back(sum + i * factor.stride);
    }
    sums = std::move(longer);
  }
  return sums;
}

Axes Axes::of_map(int batch, int height, int width, int channels) {
  Axes map;
  for (const Factor& factor :
       {Factor{MapAxis::kBatch, batch, 1}, Factor{MapAxis::kRows, height, 1},
        Factor{MapAxis::kColumns, width, 1}, Factor{MapAxis::kChannels, channels, 1}}) {
    append(map.axes_.emplace_back(), factor);
  }
  return map;
}

std::vector<int> Axes::dims() const {
  std::vector<int> dims;
  for (const Factors& axis : axes_) {
    int size = 1;
    for (const Factor& factor : axis) size *= factor.size;
    dims.push_back(size);
  }
  return dims;
}

Factors Axes::flat() const {
  Factors all;
  for (const Factors& axis : axes_) {
    for (const Factor& factor : axis) append(all, factor);
  }
  return all;
}

std::optional<Axes> Axes::reshaped(std::span<const int> dims) const {
  const Factors all = flat();
  Axes made;
  auto next = all.begin();
  int rest = next == all.end() ? 1 : next->size;  // of the factor, not yet taken
  const auto advance = [&] {
    if (++next != all.end()) rest = next->size;
  };
  for (const int size : dims) {
    Factors& axis = made.axes_.emplace_back();
    if (size == 0) {  // the images of an empty batch, which cannot be cut
      if (next == all.end() || rest != 0) return std::nullopt;
      axis.push_back(*next);
      advance();
      continue;
    }
    for (int wanted = size; wanted > 1;) {
      if (next == all.end() || rest == 0) return std::nullopt;
      const int taken = std::min(wanted, rest);
      if (wanted % taken != 0 || rest % taken != 0) return std::nullopt;
      wanted /= taken;
      rest /= taken;
      append(axis, {next->of, taken, next->stride * rest});
      if (rest == 1) advance();
    }
  }
  return next == all.end() ? std::optional(made) : std::nullopt;
}

Axes Axes::transposed(std::span<const int> order) const {
  Axes made;
  for (const int axis : order) made.axes_.push_back(axes_[axis]);
  return made;
}

bool Axes::in_order(const Axes& map) const { return flat() == map.flat(); }

std::optional<MapOfParts> Axes::as_map(const Axes& map) const {
  if (axes_.size() != 4 || axes_[0] != map.axes_[0] || !all_of_channels(axes_[3])) {
    return std::nullopt;
  }
  // Of the channels, which each row and each column of a block takes.
  std::vector<int> within[2];
  for (const std::size_t axis : {1, 2}) {
    const Factors &whole = map.axes_[axis], &own = axes_[axis];
    if (own.size() < whole.size() || !std::equal(whole.begin(), whole.end(), own.begin())) {
      return std::nullopt;
    }
    const auto rest = std::span(own).subspan(whole.size());
    if (!all_of_channels(rest)) return std::nullopt;
    within[axis - 1] = steps_of(rest);
  }
  if (within[0].size() != within[1].size()) return std::nullopt;
  MapOfParts made{static_cast<int>(within[0].size()), {}};
  const std::vector<int> channels = steps_of(axes_[3]);
  for (const int row : within[0]) {
    for (const int column : within[1]) {
      std::vector<int>& part = made.parts.emplace_back(channels);
      for (int& channel : part) channel += row + column;
    }
  }
  return made;
}

}  // namespace patternlite::tflite
