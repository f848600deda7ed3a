#include "mnn/translate/channel_move.h"

#include <algorithm>
#include <utility>

#include "engine/support/counted.h"

namespace patternlite::mnn {
namespace {

// Where an output's channel comes from: the number among the distinct inputs, and its own there.
struct Source {
  int input = -1, channel = 0;
  bool follows(const Source& other) const {
    return input == other.input && channel == other.channel + 1;
  }
};

class ChannelMove {
 public:
  ChannelMove(const Operands& operands, const std::vector<Piece>& pieces)
      : operands_(operands), sources_(operands.output.map.shape.channels) {
    for (const Piece& piece : pieces) {
      const auto found = std::ranges::find(inputs_, piece.input->id, &Operand::id);
      const auto number = static_cast<int>(found - inputs_.begin());
      if (found == inputs_.end()) inputs_.push_back(*piece.input);
      const CopiedAxis& channels = piece.box.channels;
      for (std::size_t i = 0; i < channels.to.size(); ++i) {
        Source& source = sources_[channels.to[i]];
        is_whole_ &= source.input < 0;  // else written twice
        source = {number, channels.from[i]};
      }
    }
    for (const Source& source : sources_) is_whole_ &= source.input >= 0;
  }

  // Empty if it leaves channels out.
  std::vector<Operator> ops() {
    if (!is_whole_) return {};
    if (inputs_.size() == 1) return {of_one_map()};
    std::vector<std::vector<Source>> runs;
    for (const Source& source : sources_) {
      if (runs.empty() || !source.follows(runs.back().back())) runs.emplace_back();
      runs.back().push_back(source);
    }
    // Parts that interleave channel by channel are put one after the other before.
    return runs.size() <= 2 * inputs_.size() ? joined_runs(runs) : selected_from_all();
  }

 private:
  Operator of_one_map() const {
    const Operand& input = inputs_[0];
    std::vector<int> channels;
    for (const Source& source : sources_) channels.push_back(source.channel);
    if (channels == counted(input.map.shape.channels)) return Alias{input.id, operands_.output.id};
    return ChannelSelection{input.id, operands_.output.id, std::move(channels)};
  }

  std::vector<Operator> joined_runs(const std::vector<std::vector<Source>>& runs) const {
    std::vector<Operator> ops;
    Concatenation whole{{}, operands_.output.id};
    for (const auto& run : runs) {
      const Operand& input = inputs_[run[0].input];
      const auto channels = static_cast<int>(run.size());
      if (channels == input.map.shape.channels) {
        whole.inputs.push_back(input.id);
        continue;
      }
      Shape shape = input.map.shape;
      shape.channels = channels;
      std::vector<int> part = counted(channels);
      for (int& channel : part) channel += run[0].channel;
      whole.inputs.push_back(operands_.recording.between(shape));
      ops.push_back(ChannelSelection{input.id, whole.inputs.back(), std::move(part)});
    }
    ops.push_back(std::move(whole));
    return ops;
  }

  std::vector<Operator> selected_from_all() const {
    Concatenation all;
    Shape shape = operands_.output.map.shape;
    shape.channels = 0;
    std::vector<int> first;  // [inputs]: its first channel among all
    for (const Operand& input : inputs_) {
      first.push_back(shape.channels);
      shape.channels += input.map.shape.channels;
      all.inputs.push_back(input.id);
    }
    all.output = operands_.recording.between(shape);
    ChannelSelection selection{all.output, operands_.output.id, {}};
    for (const Source& source : sources_) {
      selection.channels.push_back(first[source.input] + source.channel);
    }
    return {std::move(all), std::move(selection)};
  }

  const Operands& operands_;
  std::vector<Operand> inputs_;
  std::vector<Source> sources_;
  bool is_whole_ = true;
};

}  // namespace

std::vector<Operator> channel_move(const Operands& operands, const std::vector<Piece>& pieces) {
  return ChannelMove(operands, pieces).ops();
}

}  // namespace patternlite::mnn
