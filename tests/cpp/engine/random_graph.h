// Graphs of all operators, drawn at random, replicable by their seed.
#pragma once

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <utility>
#include <vector>

#include "engine/networks.h"
#include "engine/random_convolution.h"

namespace patternlite::test {

// Tensors are read before and after, several times, together with others of their size, or leave
// the graph on their way.
class RandomGraph {
 public:
  explicit RandomGraph(unsigned seed) : b_(seed) {
    const int height = draw(1, 23), width = draw(1, 23);
    maps_ = {b_.input({draw(1, 9), height, width}), b_.input({draw(1, 40), height, width})};
  }

  GraphBuilder build(int tensors) && {
    while (static_cast<int>(maps_.size()) < tensors) maps_.push_back(add_one());
    // The last is computed from much of the others.
    std::shuffle(maps_.begin(), std::prev(maps_.end()), b_.random());
    b_.graph.outputs.assign(maps_.rbegin(), maps_.rbegin() + draw(1, 4));
    return std::move(b_);
  }

 private:
  int draw(int low, int high) { return test::draw(b_.random(), low, high); }
  bool once_in(int times) { return draw(1, times) == 1; }
  const Shape& shape_of(TensorId id) const { return b_.graph.tensors[id]; }
  Activation activation() { return random_activation(b_.random()); }
  Pruning pruning() { return once_in(4) ? Pruning{} : random_pruning(b_.random()); }

  // Mostly of the newest: graphs are deep.
  TensorId any() {
    const int last = static_cast<int>(maps_.size()) - 1;
    return maps_[once_in(3) ? draw(0, last) : std::max(0, last - draw(0, 2))];
  }

  // One direction of a window that fits an image: what it has of a Window, and the pad behind.
  Direction fit(int size, int kernel, int stride, int dilation) {
    Direction d{kernel, stride, dilation, 0, 0, size};
    if (once_in(2)) {
      d.pad_same();
    } else {
      const int most = d.reach() + once_in(4);  // beyond it are windows of zeros alone
      d.before = draw(0, most), d.after = draw(0, most);
      d.after += std::max(0, d.reach() + 1 - size - d.before - d.after);
    }
    return d;
  }

  TensorId conv(TensorId from, bool depthwise) {
    const Shape shape = shape_of(from);
    const int kernel = 2 * draw(0, 2) + 1, stride = once_in(3) ? 2 : 1;
    const int dilation = once_in(6) ? draw(2, 4) : 1;
    const Direction h = fit(shape.height, kernel, stride, dilation);
    const Direction w = once_in(4) ? fit(shape.width, draw(1, 4), draw(1, 3), draw(1, 2))
                                   : fit(shape.width, kernel, stride, dilation);
    const Window window{h.kernel,   w.kernel,   h.stride, w.stride,
                        h.dilation, w.dilation, h.before, w.before};
    return b_.conv(from, depthwise ? shape.channels : draw(1, 40), window, h.after, w.after,
                   pruning(), activation(), depthwise);
  }

  TensorId grouped(TensorId from) {
    const int channels = shape_of(from).channels;
    std::vector<int> divisors;
    for (int groups = 2; groups <= channels; ++groups) {
      if (channels % groups == 0) divisors.push_back(groups);
    }
    if (divisors.empty()) return conv(from, false);
    const int groups = divisors[draw(0, static_cast<int>(divisors.size()) - 1)];
    const int filters = groups * draw(1, std::max(1, 40 / groups));
    return b_.grouped(from, filters, 2 * draw(0, 1) + 1, groups, pruning());
  }

  TensorId bent_conv(TensorId from) {
    const bool depthwise = once_in(3);
    const int filters = depthwise ? shape_of(from).channels : draw(1, 40);
    const int kernel = 2 * draw(0, 1) + 1;
    const Direction h = fit(shape_of(from).height, kernel, draw(1, 2), 1);
    const Direction w = fit(shape_of(from).width, kernel, h.stride, 1);
    const Window window{kernel, kernel, h.stride, h.stride, 1, 1, h.before, w.before};
    return bend(
        b_.conv(from, filters, window, h.after, w.after, pruning(), Activation::kNone, depthwise));
  }

  TensorId pool(TensorId from) {
    if (once_in(4)) return b_.mean(from);
    const Shape shape = shape_of(from);
    const auto mode = once_in(2) ? PoolMode::kMax : PoolMode::kAverage;
    // A window has at least one cell within the image.
    const int kernel = draw(1, std::min({4, shape.height, shape.width}));
    return b_.pool(from, mode, kernel, draw(1, 3), draw(0, (kernel - 1) / 2));
  }

  // Of one shape.
  TensorId partner(TensorId of) {
    std::vector<TensorId> partners = {of};
    for (const TensorId map : maps_) {
      if (shape_of(map) == shape_of(of)) partners.push_back(map);
    }
    return partners[draw(0, static_cast<int>(partners.size()) - 1)];
  }

  TensorId sum(TensorId from) { return b_.sum(from, partner(from), activation()); }

  // By numbers between 0 and 1: deep graphs' values do not grow.
  TensorId product(TensorId from) {
    const TensorId source = once_in(2) ? from : partner(from);
    const TensorId gate = b_.bend(once_in(3) ? b_.mean(source) : source, Curve::kSigmoid);
    const TensorId result = b_.product(from, gate, once_in(2) ? Activation::kNone : activation());
    if (once_in(4)) maps_.push_back(gate);
    return result;
  }

  TensorId bend(TensorId from) {
    constexpr std::array kCurves = {Curve::kHardSwish, Curve::kSigmoid, Curve::kSilu,
                                    Curve::kTanh,      Curve::kGelu,    Curve::kTanhGelu};
    if (once_in(4)) return b_.bend(from, Curve::kLeakyRelu, once_in(2) ? reals(1) : reals_of(from));
    return b_.bend(from, kCurves[draw(0, kCurves.size() - 1)]);
  }

  std::vector<float> reals(int count) {
    std::vector<float> reals(count);
    for (float& real : reals) real = std::uniform_real_distribution<float>(-1, 1)(b_.random());
    return reals;
  }
  std::vector<float> reals_of(TensorId channels) { return reals(shape_of(channels).channels); }

  TensorId scale(TensorId from) {
    const TensorId scaled = b_.scale(from, reals_of(from), reals_of(from), activation());
    return once_in(3) ? b_.scale(scaled, reals_of(from), reals_of(from), activation()) : scaled;
  }

  TensorId concatenate(TensorId from) {
    std::vector<TensorId> parts = {from};
    int channels = shape_of(from).channels;
    for (int tries = draw(0, 6); tries > 0; --tries) {
      const TensorId part = any();
      const Shape& other = shape_of(part);
      if (other.height != shape_of(from).height || other.width != shape_of(from).width) continue;
      if ((channels += other.channels) > 150) break;
      parts.insert(once_in(2) ? parts.begin() : parts.end(), part);
    }
    return b_.concatenate(std::move(parts));
  }

  TensorId select(TensorId from) {
    const int channels = shape_of(from).channels;
    std::vector<int> selected(channels);
    std::iota(selected.begin(), selected.end(), 0);
    if (once_in(3)) std::ranges::shuffle(selected, b_.random());
    const int first = draw(0, channels - 1), last = draw(first + 1, channels);
    return b_.select(from, {selected.begin() + first, selected.begin() + last});
  }

  // All parts of a map, of which some lie side by side in another.
  TensorId split(TensorId from) {
    const int channels = shape_of(from).channels, middle = draw(0, channels - 1);
    std::vector<TensorId> parts;
    for (const auto& [first, last] : {std::pair{0, middle}, std::pair{middle, channels}}) {
      std::vector<int> selected(last - first);
      std::iota(selected.begin(), selected.end(), first);
      if (!selected.empty()) parts.push_back(b_.select(from, selected));
    }
    maps_.insert(maps_.end(), parts.begin(), parts.end());
    if (once_in(3)) std::ranges::shuffle(parts, b_.random());
    if (once_in(2)) parts.push_back(conv(parts.back(), false));
    const Shape &of = shape_of(from), &last = shape_of(parts.back());
    if (of.height != last.height || of.width != last.width) return parts.back();
    return b_.concatenate(parts);
  }

  // Parts of one map, or what convolutions make of it.
  TensorId interleave(TensorId from) {
    const int block = draw(1, 3);
    const Shape shape = shape_of(from);
    const int filters = std::max(1, shape.channels / (block * block));
    std::vector<TensorId> parts;
    for (int i = 0; i < block * block; ++i) {
      std::vector<int> channels(filters);
      std::iota(channels.begin(), channels.end(), i * filters);
      const bool selects = channels.back() < shape.channels && !once_in(3);
      parts.push_back(selects ? b_.select(from, channels)
                              : b_.conv(from, filters, 3, 1, 1, pruning()));
    }
    if (shape.height * block > 40 || shape.width * block > 40) return parts.back();
    return b_.interleave(std::move(parts), block);
  }

  TensorId resize(TensorId from) {
    const auto cells = [this](int size) {
      std::vector<int> cells(draw(1, 25));
      for (int& cell : cells) cell = draw(0, size - 1);
      std::ranges::sort(cells);
      return cells;
    };
    if (once_in(2))
      return b_.resize(from, cells(shape_of(from).height), cells(shape_of(from).width));
    const auto blends = [&](int size) {
      std::vector<Blend> blends;
      for (const int cell : cells(size)) {
        blends.push_back({cell, std::min(cell + draw(0, 1), size - 1), draw(0, 8) / 8.0f});
      }
      return blends;
    };
    return b_.resize(from, blends(shape_of(from).height), blends(shape_of(from).width));
  }

  template <typename Op>
  TensorId norm(TensorId from) {
    return b_.norm<Op>(b_.bend(from, Curve::kTanh), reals_of(from), reals_of(from));
  }

  TensorId add_one() {
    const TensorId from = any();
    switch (draw(0, 28)) {
      case 0:
        return pool(from);
      case 1:
        return sum(from);
      case 2:
      case 3:
        return concatenate(from);
      case 4:
        return resize(from);
      case 5:
        return b_.pad(from, draw(0, 3), draw(0, 3), draw(0, 3), draw(0, 3));
      case 6:
        return b_.activate(from, activation());
      case 7:
        return bend(from);
      case 8:  // where large values come in, their rounding decides what comes out
        return b_.softmax(b_.activate(from, Activation::kRelu6), 0.5f);
      case 9:
        return b_.alias(from);
      case 10:
        if (shape_of(from).elements() < 4000) {
          return b_.fully_connected(from, draw(1, 50), pruning());
        }
        [[fallthrough]];
      case 11:
      case 12:
        return conv(from, true);
      case 13:  // what becomes a sum within the convolution
        return sum(b_.conv(from, shape_of(from).channels, 3, 1, 1, pruning()));
      case 14:
      case 15:
        return product(from);
      case 16:
        return scale(from);
      case 17:
        return select(from);
      case 18:
        return split(from);
      case 19:
        return interleave(from);
      case 20:
        return grouped(from);
      case 21:
      case 22:
        return bent_conv(from);
      case 23:  // of values that are not all alike, which would be divided by next to nothing
        return norm<ChannelNorm>(from);
      case 24:
        return norm<InstanceNorm>(from);
      default:
        return conv(from, false);
    }
  }

  GraphBuilder b_;
  std::vector<TensorId> maps_;
};

}  // namespace patternlite::test
