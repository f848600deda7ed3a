// A random sparse convolution on planar tensors, with its naive double-precision answer.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "engine/graph/planar.h"
#include "engine/pack/tap_stream.h"
#include "guarded_buffer.h"
#include "kernels/kernels.h"

namespace patternlite::test {

struct Tap {
  int channel, dy, dx;
};

// `filters_per_group` filters that share taps. A plane of -1: no such filter.
struct Group {
  std::vector<Tap> taps;
  std::vector<float> weights;  // [taps][filters_per_group]
  std::vector<float> bias;
  std::vector<int> plane;
};

class SparseProblem {
 public:
  std::mt19937 random;
  PlanarLayout in, out;
  int stride_y = 1, stride_x = 1;
  float low = -std::numeric_limits<float>::infinity(), high = -low;
  bool with_residual = false;
  double tolerance = 1e-6;  // of the sum of the products' magnitudes
  std::vector<Group> groups;

  explicit SparseProblem(unsigned seed) : random(seed) {}

  int draw(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); }
  float real() { return std::uniform_real_distribution<float>(-1, 1)(random); }
  bool chance(double p) { return std::bernoulli_distribution(p)(random); }

  // Takes the layouts as they are; fills tensors. Output starts as poison everywhere.
  void allocate(bool special_values) {
    const Flush flush = chance(0.5) ? Flush::kFront : Flush::kBack;
    input_ = std::make_unique<GuardedBuffer>(in.elements(), flush);
    residual_ = std::make_unique<GuardedBuffer>(out.elements(), flush);
    output_ = std::make_unique<GuardedBuffer>(out.elements(), flush, kPoison);
    const auto fill = [&](GuardedBuffer& buffer, const PlanarLayout& layout) {
      for (int c = 0; c < layout.shape.channels; ++c) {
        for (int y = 0; y < layout.shape.height; ++y) {
          for (int x = 0; x < layout.shape.width; ++x) buffer[index(layout, c, y, x)] = real();
        }
      }
    };
    fill(*input_, in);
    fill(*residual_, out);
    if (special_values) scatter({kPoison, INFINITY, -INFINITY, -0.0f, 1e-42f});
  }

  // Puts each value somewhere into the input.
  void scatter(std::initializer_list<float> specials) {
    for (float special : specials) {
      (*input_)[index(in, draw(0, in.shape.channels - 1), draw(0, in.shape.height - 1),
                      draw(0, in.shape.width - 1))] = special;
    }
  }

  static std::ptrdiff_t index(const PlanarLayout& layout, int c, int y, int x) {
    return layout.lead() + c * layout.plane() + static_cast<std::ptrdiff_t>(y) * layout.pitch() + x;
  }

  const float* input() const { return input_->data() + in.lead(); }
  const float* residual() const { return with_residual ? residual_->data() + out.lead() : nullptr; }
  float* output() { return output_->data() + out.lead(); }
  kernels::Epilogue epilogue() const { return {residual(), low, high}; }

  // Of the output's virtual positions: -1 for a real one, 0 for a pad.
  std::vector<std::int32_t> position_mask() const {
    std::vector<std::int32_t> mask(out.padded_positions(), 0);
    for (int i = 0; i < out.positions(); ++i) mask[i] = i % out.pitch() < out.shape.width ? -1 : 0;
    return mask;
  }

  void poison_output() {
    for (std::size_t i = 0; i < output_->size(); ++i) (*output_)[i] = kPoison;
  }
  std::vector<std::uint32_t> output_bits() const {
    std::vector<std::uint32_t> bits(output_->size());
    std::memcpy(bits.data(), output_->data(), bits.size() * 4);
    return bits;
  }

  // Real positions against the reference. Elsewhere: zero at the first `zeroed` positions of a
  // written plane, which count its pads, untouched poison otherwise.
  void check(int zeroed) const {
    std::vector<char> seen(output_->size(), 0);
    for (const Group& group : groups) {
      for (std::size_t f = 0; f < group.plane.size(); ++f) {
        if (group.plane[f] < 0) continue;
        for (int y = 0; y < out.shape.height; ++y) {
          for (int x = 0; x < out.shape.width; ++x) {
            const std::size_t at = index(out, group.plane[f], y, x);
            seen[at] = 1;
            check_one(group, f, y, x, at);
            if (::testing::Test::HasFailure()) return;
          }
        }
        const std::size_t first = index(out, group.plane[f], 0, 0);
        for (int i = 0; i < zeroed; ++i) {
          if (seen[first + i]) continue;
          seen[first + i] = 1;
          ASSERT_EQ((*output_)[first + i], 0) << "pad at position " << i;
        }
      }
    }
    check_untouched(seen);
  }

  // All elements of the output but those that were to be written.
  void check_untouched(const std::vector<char>& written) const {
    for (std::size_t i = 0; i < written.size(); ++i) {
      if (written[i]) continue;
      ASSERT_TRUE(std::isnan((*output_)[i])) << "written outside, element " << i;
    }
  }

 private:
  void check_one(const Group& group, std::size_t f, int y, int x, std::size_t at) const {
    const std::size_t size = group.plane.size();
    double sum = group.bias[f], magnitude = std::abs(sum);
    for (std::size_t t = 0; t < group.taps.size(); ++t) {
      const Tap& tap = group.taps[t];
      const int iy = y * stride_y + tap.dy, ix = x * stride_x + tap.dx;
      const bool inside = iy >= 0 && iy < in.shape.height && ix >= 0 && ix < in.shape.width;
      const double value = inside ? (*input_)[index(in, tap.channel, iy, ix)] : 0.0;
      sum += value * group.weights[t * size + f];
      magnitude += std::abs(value * group.weights[t * size + f]);
    }
    if (with_residual) {
      sum += (*residual_)[at];
      magnitude += std::abs((*residual_)[at]);
    }
    if (sum < low) sum = low;
    if (sum > high) sum = high;
    const float got = (*output_)[at];
    if (std::isnan(sum)) {
      ASSERT_TRUE(std::isnan(got))
          << got << " plane " << group.plane[f] << " y " << y << " x " << x;
    } else if (std::isinf(sum)) {
      ASSERT_EQ(got, static_cast<float>(sum))
          << "plane " << group.plane[f] << " y " << y << " x " << x;
    } else {
      ASSERT_NEAR(got, sum, tolerance * (std::isfinite(magnitude) ? magnitude : 1) + 1e-30)
          << "plane " << group.plane[f] << " y " << y << " x " << x;
    }
  }

  std::unique_ptr<GuardedBuffer> input_, residual_, output_;
};

// Groups of random taps within the border of `problem.in`, dilation included; planes are shuffled.
inline void fill_groups(SparseProblem& problem, int filters_per_group, int group_count,
                        int dilation, int most_taps) {
  std::vector<int> planes(problem.out.shape.channels);
  for (std::size_t i = 0; i < planes.size(); ++i) planes[i] = static_cast<int>(i);
  std::shuffle(planes.begin(), planes.end(), problem.random);
  std::size_t next = 0;
  const int reach = problem.in.border / dilation;
  for (int g = 0; g < group_count; ++g) {
    Group group;
    const int taps = problem.chance(0.15) ? 0 : problem.draw(1, most_taps);
    for (int t = 0; t < taps; ++t) {
      group.taps.push_back({problem.draw(0, problem.in.shape.channels - 1),
                            problem.draw(-reach, reach) * dilation,
                            problem.draw(-reach, reach) * dilation});
    }
    for (int i = 0; i < taps * filters_per_group; ++i) group.weights.push_back(problem.real());
    for (int f = 0; f < filters_per_group; ++f) {
      group.bias.push_back(problem.real());
      const bool have = next < planes.size() && !problem.chance(0.1);
      group.plane.push_back(have ? planes[next++] : -1);
    }
    problem.groups.push_back(group);
  }
}

// The groups of a problem as OS wants them.
inline PackedStream pack_taps(const SparseProblem& problem) {
  PackedStream packed;
  packed.start.push_back(0);
  for (const Group& group : problem.groups) {
    for (const Tap& tap : group.taps) {
      packed.offset.push_back(static_cast<std::int32_t>(tap.channel * problem.in.plane()) +
                              tap.dy * problem.in.pitch() + tap.dx);
    }
    packed.start.push_back(static_cast<std::int32_t>(packed.offset.size()));
    packed.weights.insert(packed.weights.end(), group.weights.begin(), group.weights.end());
    packed.bias.insert(packed.bias.end(), group.bias.begin(), group.bias.end());
    for (int plane : group.plane) {
      packed.out_plane.push_back(
          plane < 0 ? -1 : static_cast<std::int32_t>(plane * problem.out.plane()));
    }
  }
  return packed;
}

// Cuts [begin, end) at random multiples of `step`.
inline std::vector<int> random_cuts(SparseProblem& problem, int begin, int end, int step) {
  std::vector<int> cuts{begin};
  for (int at = begin + step; at < end; at += step) {
    if (problem.chance(0.4)) cuts.push_back(at);
  }
  cuts.push_back(end);
  return cuts;
}

// That any split of a run into calls gives the bits that the output has. Run(first group, last
// group, first row, last row), rows cut at multiples of `step`.
template <class Run>
void check_splits(SparseProblem& problem, int groups, int rows, int step, const Run& run) {
  const auto whole = problem.output_bits();
  problem.poison_output();
  const auto group_cuts = random_cuts(problem, 0, groups, 1);
  const auto row_cuts = random_cuts(problem, 0, rows, step);
  for (std::size_t g = 1; g < group_cuts.size(); ++g) {
    for (std::size_t r = 1; r < row_cuts.size(); ++r) {
      run(group_cuts[g - 1], group_cuts[g], row_cuts[r - 1], row_cuts[r]);
    }
  }
  EXPECT_EQ(whole, problem.output_bits()) << "a split changed bits";
}

}  // namespace patternlite::test
