#include "mnn/translate/rearranging.h"

#include <algorithm>
#include <utility>

#include "engine/graph/visit.h"
#include "engine/support/counted.h"
#include "mnn/translate/channel_move.h"

namespace patternlite::mnn {
namespace {

// Every `step`-th cell from the first one.
bool are_steps(const std::vector<int>& cells, int step) {
  for (std::size_t i = 1; i < cells.size(); ++i) {
    if (cells[i] - cells[i - 1] != step) return false;
  }
  return true;
}

bool is_whole(const CopiedAxis& axis, int from, int to) {
  return from == to && axis.to == counted(to) && axis.from == axis.to;
}

bool is_whole_map(const Piece& piece, const Shape& output) {
  const Shape& input = piece.input->map.shape;
  return is_whole(piece.box.rows, input.height, output.height) &&
         is_whole(piece.box.columns, input.width, output.width);
}

// For each of the output's channels the input's; empty unless each has one.
std::vector<int> channels_of(const CopiedAxis& axis, int channels) {
  std::vector<int> sources(channels, -1);
  for (std::size_t i = 0; i < axis.to.size(); ++i) sources[axis.to[i]] = axis.from[i];
  const bool all = std::ssize(axis.to) == channels && !std::ranges::count(sources, -1);
  return all ? sources : std::vector<int>();
}

// Rows and columns that a map repeats or leaves out, and zeros around them.
std::vector<Operator> cell_move(const Operands& operands, const Piece& piece) {
  const auto& [input, box] = piece;
  const Shape& whole = operands.output.map.shape;
  Shape shape = input->map.shape;
  TensorId id = input->id;
  std::vector<int> channels = channels_of(box.channels, whole.channels);
  if (channels.empty() || !are_steps(box.rows.to, 1) || !are_steps(box.columns.to, 1)) return {};
  std::vector<Operator> ops;
  const auto add = [&](Operator op, const Shape& output) {
    shape = output;
    id = operands.recording.between(shape);
    set_output(op, id);
    ops.push_back(std::move(op));
  };
  if (channels != counted(shape.channels)) {
    add(ChannelSelection{id, kNoTensor, channels}, {whole.channels, shape.height, shape.width});
  }
  if (box.rows.from != counted(shape.height) || box.columns.from != counted(shape.width)) {
    const auto height = static_cast<int>(box.rows.to.size());
    const auto width = static_cast<int>(box.columns.to.size());
    add(Resize{id, kNoTensor, box.rows.from, box.columns.from}, {shape.channels, height, width});
  }
  if (shape != whole) {
    const int top = box.rows.to[0], left = box.columns.to[0];
    add(Padding{id, kNoTensor, top, left, whole.height - shape.height - top,
                whole.width - shape.width - left},
        whole);
  }
  set_output(ops.back(), operands.output.id);
  return ops;
}

// As many parts as an output cell's block has cells, each cell from another one.
std::vector<Operator> interleaving(const Operands& operands, const std::vector<Piece>& pieces) {
  const Shape& whole = operands.output.map.shape;
  int block = 1;
  while (block * block < std::ssize(pieces)) ++block;
  if (block * block != std::ssize(pieces)) return {};
  Interleaving parts{std::vector(pieces.size(), kNoTensor), operands.output.id, block,
                     std::vector<std::vector<int>>(pieces.size())};
  for (const auto& [input, box] : pieces) {
    const Shape& shape = input->map.shape;
    const auto is_phase = [block](const CopiedAxis& axis, int from, int to) {
      return axis.to[0] < block && are_steps(axis.to, block) && axis.from == counted(from) &&
             interleaved(to, block, axis.to[0]) == from;
    };
    if (!is_phase(box.rows, shape.height, whole.height) ||
        !is_phase(box.columns, shape.width, whole.width)) {
      return {};
    }
    const int phase = box.rows.to[0] * block + box.columns.to[0];
    if (parts.inputs[phase] != kNoTensor) return {};
    parts.inputs[phase] = input->id;
    parts.channels[phase] = channels_of(box.channels, whole.channels);
    if (parts.channels[phase].empty()) return {};
  }
  return {std::move(parts)};
}

std::vector<Operator> ops_of(const Operands& operands, const std::vector<Piece>& pieces) {
  const Shape& output = operands.output.map.shape;
  const auto is_whole = [&](const Piece& piece) { return is_whole_map(piece, output); };
  if (std::ranges::all_of(pieces, is_whole)) return channel_move(operands, pieces);
  if (pieces.size() == 1) return cell_move(operands, pieces[0]);
  return interleaving(operands, pieces);
}

// MNN may copy image by image. Empty if not all images have the same pieces.
std::vector<Piece> pieces_of(const Operands& operands, const std::vector<abi::Region>& regions) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < regions.size(); ++i) {
    const Operand& input = operands.inputs[i];
    if (!input.is_map()) return {};
    auto box = copied_box(regions[i], input.map, operands.output.map);
    if (!box) return {};
    const auto same = std::ranges::find_if(pieces, [&](const Piece& piece) {
      return piece.input->id == input.id && piece.box.channels == box->channels &&
             piece.box.rows == box->rows && piece.box.columns == box->columns;
    });
    if (same == pieces.end()) {
      pieces.push_back({&input, std::move(*box)});
    } else {
      auto& images = same->box.images;
      images.insert(images.end(), box->images.begin(), box->images.end());
    }
  }
  for (Piece& piece : pieces) {
    std::ranges::sort(piece.box.images);
    if (piece.box.images != counted(operands.output.map.batch)) return {};
  }
  return pieces;
}

std::optional<RecordedNode> moved(const Operands& operands,
                                  const std::vector<abi::Region>& regions) {
  const std::vector<Piece> pieces = pieces_of(operands, regions);
  if (pieces.empty()) return std::nullopt;
  std::vector<Operator> ops = ops_of(operands, pieces);
  return ops.empty() ? std::nullopt : std::optional(node_of(operands, std::move(ops)));
}

// A constant for each channel, whose readers need no map of it.
std::optional<RecordedNode> spread(const Operands& operands, const abi::Region& region) {
  auto numbers = spread_elements(region, operands.inputs[0].constant, operands.output.map);
  if (numbers.empty()) return std::nullopt;
  operands.recording.set_constant(operands.output.id, std::move(numbers));
  return node_of(operands, {});
}

std::optional<RecordedNode> rearranged(const Operands& operands) {
  const auto& regions = regions_of(operands.recording.engine(), *operands.output.tensor);
  if (regions.size() != operands.inputs.size()) return std::nullopt;
  for (std::size_t i = 0; i < regions.size(); ++i) {
    if (regions[i].origin != operands.inputs[i].tensor) return std::nullopt;
  }
  const bool spreads = regions.size() == 1 && !operands.inputs[0].is_map();
  auto node = spreads ? spread(operands, regions[0]) : moved(operands, regions);
  if (node) node->only_moves = true;
  return node;
}

}  // namespace

Translation rearrangement() { return &rearranged; }

}  // namespace patternlite::mnn
