#include "mnn/translate/copied_box.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "engine/support/counted.h"

namespace patternlite::mnn {
namespace {

enum Axis { kImages, kChannels, kRows, kColumns, kAxes, kNoAxis = kAxes };

// Elements one after the other, as regions count them: blocked tensors as if they were planar.
struct Grid {
  std::array<int, kAxes> sizes;
  std::array<std::int64_t, kAxes> strides;

  std::int64_t elements() const { return std::int64_t{sizes[0]} * sizes[1] * sizes[2] * sizes[3]; }
  // Where one stands along each axis.
  std::array<int, kAxes> position(std::int64_t element) const {
    std::array<int, kAxes> cells;
    for (int axis = 0; axis < kAxes; ++axis) {
      cells[axis] = static_cast<int>(element / strides[axis] % sizes[axis]);
    }
    return cells;
  }
};

Grid grid_of(const MapTensor& map) {
  const auto& [channels, height, width] = map.shape;
  const std::int64_t area = std::int64_t{height} * width, image = area * channels;
  if (map.order == MapOrder::kChannelsLast) {
    return {{map.batch, channels, height, width},
            {image, 1, std::int64_t{width} * channels, channels}};
  }
  return {{map.batch, channels, height, width}, {image, area, width, 1}};
}

// From one element to the next of a region's dimension: so many cells of an axis.
struct Stride {
  int axis = kNoAxis, cells = 0;
};

std::optional<Stride> stride_of(std::int64_t elements, const Grid& grid) {
  if (elements == 0) return Stride{};
  Stride found;
  std::int64_t longest = 0;
  for (int axis = 0; axis < kAxes; ++axis) {
    if (grid.sizes[axis] == 1 || grid.strides[axis] > elements || grid.strides[axis] < longest) {
      continue;
    }
    longest = grid.strides[axis];
    found = {axis, static_cast<int>(elements / longest)};
  }
  const bool whole = longest > 0 && elements % longest == 0;
  return whole && found.cells < grid.sizes[found.axis] ? std::optional(found) : std::nullopt;
}

// A dimension of a region, or a part of one that stays on one axis of the input's and the output's.
struct Walk {
  int count;
  std::int64_t from_elements, to_elements;
  Stride from{}, to{};
};

// How often the walk goes on before it must enter the next axis.
int run_length(const Stride& stride, const Grid& grid, int count) {
  if (stride.axis == kNoAxis) return count;
  const int size = grid.sizes[stride.axis];
  const int most = (size + stride.cells - 1) / stride.cells;
  return count <= most ? count : size / stride.cells;
}

bool stays_inside(const std::vector<Walk>& walks, const std::array<int, kAxes>& first,
                  const Grid& grid, Stride Walk::* side) {
  for (int axis = 0; axis < kAxes; ++axis) {
    std::int64_t last = first[axis];
    for (const Walk& walk : walks) {
      const Stride& stride = walk.*side;
      if (stride.axis == axis) last += (walk.count - 1) * std::int64_t{stride.cells};
    }
    if (last >= grid.sizes[axis]) return false;
  }
  return true;
}

std::optional<std::vector<Walk>> walks_of(const abi::Region& region, const Grid& from,
                                          const Grid& to) {
  std::vector<Walk> pending, walks;
  for (int i = 0; i < 3; ++i) {
    if (region.size[i] < 1) return std::nullopt;
    if (region.size[i] > 1) {
      pending.push_back({region.size[i], region.source.stride[i], region.destination.stride[i]});
    }
  }
  while (!pending.empty()) {
    Walk walk = pending.back();
    pending.pop_back();
    if (walk.from_elements < 0 || walk.to_elements <= 0) return std::nullopt;
    const auto from_stride = stride_of(walk.from_elements, from);
    const auto to_stride = stride_of(walk.to_elements, to);
    if (!from_stride || !to_stride) return std::nullopt;
    const int run = std::min(run_length(*from_stride, from, walk.count),
                             run_length(*to_stride, to, walk.count));
    if (walk.count % run) return std::nullopt;
    if (run < walk.count) {
      if (run == 1) return std::nullopt;
      pending.push_back({walk.count / run, walk.from_elements * run, walk.to_elements * run});
    }
    walks.push_back({run, walk.from_elements, walk.to_elements, *from_stride, *to_stride});
  }
  return walks;
}

// All cells of an axis that walks reach from one of each side.
std::optional<CopiedAxis> copied_axis(const std::vector<Walk>& walks, Axis axis, int first_from,
                                      int first_to, int size) {
  CopiedAxis cells{{first_to}, {first_from}};
  for (const Walk& walk : walks) {
    if (walk.to.axis != axis) continue;
    const std::size_t before = cells.to.size();
    if (before * walk.count > static_cast<std::size_t>(size)) return std::nullopt;
    for (int i = 1; i < walk.count; ++i) {
      for (std::size_t k = 0; k < before; ++k) {
        cells.to.push_back(cells.to[k] + i * walk.to.cells);
        cells.from.push_back(cells.from[k] + i * walk.from.cells);
      }
    }
  }
  return cells;
}

using Cells = std::array<CopiedAxis, kAxes>;

std::optional<Cells> copied_cells(const abi::Region& region, const Grid& from, const Grid& to) {
  const auto is_inside = [](std::int64_t offset, const Grid& grid) {
    return offset >= 0 && offset < grid.elements();
  };
  if (!is_inside(region.source.offset, from) || !is_inside(region.destination.offset, to)) {
    return std::nullopt;
  }
  const auto walks = walks_of(region, from, to);
  if (!walks) return std::nullopt;
  for (const Walk& walk : *walks) {
    if (walk.from.axis != kNoAxis && walk.from.axis != walk.to.axis) return std::nullopt;
  }
  const auto from_cells = from.position(region.source.offset);
  const auto to_cells = to.position(region.destination.offset);
  if (!stays_inside(*walks, from_cells, from, &Walk::from) ||
      !stays_inside(*walks, to_cells, to, &Walk::to)) {
    return std::nullopt;
  }
  Cells cells;
  for (int i = 0; i < kAxes; ++i) {
    const auto axis = static_cast<Axis>(i);
    auto copied = copied_axis(*walks, axis, from_cells[i], to_cells[i], to.sizes[i]);
    if (!copied) return std::nullopt;
    cells[i] = std::move(*copied);
  }
  return cells;
}

bool are_all(std::vector<int> cells, int size) {
  std::ranges::sort(cells);
  return cells == counted(size);
}

}  // namespace

std::optional<CopiedBox> copied_box(const abi::Region& region, const MapTensor& from,
                                    const MapTensor& to) {
  if (from.batch != to.batch) return std::nullopt;
  auto cells = copied_cells(region, grid_of(from), grid_of(to));
  if (!cells) return std::nullopt;
  auto& [images, channels, rows, columns] = *cells;
  if (images.from != images.to) return std::nullopt;
  return CopiedBox{std::move(channels), std::move(rows), std::move(columns), std::move(images.to)};
}

std::vector<float> spread_elements(const abi::Region& region, const std::vector<float>& elements,
                                   const MapTensor& to) {
  const auto count = static_cast<int>(elements.size());
  const Grid row{{1, count, 1, 1}, {count, 1, count, count}}, grid = grid_of(to);
  const auto cells = copied_cells(region, row, grid);
  if (!cells) return {};
  for (int axis = 0; axis < kAxes; ++axis) {
    if (!are_all((*cells)[axis].to, grid.sizes[axis])) return {};
  }
  const CopiedAxis& channels = (*cells)[kChannels];
  std::vector<float> spread(channels.to.size());
  for (std::size_t i = 0; i < spread.size(); ++i)
    spread[channels.to[i]] = elements[channels.from[i]];
  return spread;
}

}  // namespace patternlite::mnn
