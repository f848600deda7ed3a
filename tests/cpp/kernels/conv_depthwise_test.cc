// The depthwise kernels of every ISA against the naive convolution.
#include <gtest/gtest.h>

#include "isa_test.h"
#include "sparse_problem.h"

namespace patternlite::test {
namespace {

struct DepthwiseCase {
  int channels = 5, height = 9, width = 9, border = 1, output_border = 1;
  int stride_y = 1, stride_x = 1, dilation = 1, taps = 9;
  bool residual = false, clamp = false, special_values = false, whole_lines = false;
  int window = 0;  // the side of most filters' squares of taps
};

std::vector<Tap> square_of_taps(int side, int dilation) {
  std::vector<Tap> taps;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      taps.push_back({0, (y - side / 2) * dilation, (x - side / 2) * dilation});
    }
  }
  return taps;
}

// One filter a channel, its taps all in that channel.
SparseProblem make(const DepthwiseCase& c, unsigned seed) {
  SparseProblem problem(seed);
  problem.in = {{c.channels, c.height, c.width}, c.border};
  problem.out = {{c.channels, (c.height - 1) / c.stride_y + 1, (c.width - 1) / c.stride_x + 1},
                 c.output_border};
  problem.in.whole_lines = problem.out.whole_lines = c.whole_lines;
  problem.stride_y = c.stride_y;
  problem.stride_x = c.stride_x;
  problem.with_residual = c.residual;
  if (c.clamp) problem.low = -0.4f, problem.high = 0.7f;
  fill_groups(problem, 1, c.channels, c.dilation, c.taps);
  for (int channel = 0; channel < c.channels; ++channel) {
    if (c.window && !problem.chance(0.2)) {
      problem.groups[channel].taps = square_of_taps(c.window, c.dilation);
      problem.groups[channel].weights.resize(problem.groups[channel].taps.size(), problem.real());
    }
    for (Tap& tap : problem.groups[channel].taps) tap.channel = channel;
  }
  problem.allocate(c.special_values);
  return problem;
}

// Positions [begin, end) of the planes that the problem writes: the bits that they have in the
// whole, and nothing beside them.
void check_part(const SparseProblem& problem, const std::vector<std::uint32_t>& whole, int begin,
                int end) {
  const auto part = problem.output_bits();
  std::vector<char> written(part.size(), 0);
  for (const Group& group : problem.groups) {
    if (group.plane[0] < 0) continue;
    const std::ptrdiff_t plane = SparseProblem::index(problem.out, group.plane[0], 0, 0);
    for (std::ptrdiff_t i = plane + begin; i < plane + end; ++i) {
      written[i] = 1;
      ASSERT_EQ(part[i], whole[i]) << "position " << i - plane << " of a part";
    }
  }
  problem.check_untouched(written);
}

// Over planes where pitch and stride allow it, and row by row.
void test(const DepthwiseCase& c, unsigned seed, const kernels::KernelTable& table) {
  SparseProblem problem = make(c, seed);
  const PackedStream taps = pack_taps(problem);
  const std::vector<std::int32_t> mask = problem.position_mask();
  const bool has_planes =
      c.stride_y == 1 && c.stride_x == 1 && problem.in.pitch() == problem.out.pitch();
  for (const bool planes : {false, true}) {
    if (planes && !has_planes) continue;
    SCOPED_TRACE(planes ? "planes" : "rows");
    const int positions = planes ? problem.out.padded_positions() : 0;
    const auto kernel = planes ? table.conv_depthwise_planes : table.conv_depthwise_rows;
    const int window = c.dilation == 1 ? c.window : 0;  // others are no squares of neighbours
    const auto run = [&](int group_begin, int group_end, int begin, int end) {
      kernel({problem.input(), problem.output(), taps.view(), problem.epilogue(),
              planes ? mask.data() : nullptr, window, begin, end, c.stride_y * problem.in.pitch(),
              c.stride_x, problem.out.pitch(), problem.out.shape.width, problem.out.shape.height,
              group_begin, group_end});
    };
    problem.poison_output();
    run(0, c.channels, 0, positions);
    problem.check(/*zeroed=*/positions);
    const auto whole = problem.output_bits();
    const auto groups = random_cuts(problem, 0, c.channels, 1);
    const auto parts = random_cuts(problem, 0, positions, 16 * problem.draw(1, 20));
    problem.poison_output();
    for (std::size_t g = 1; g < groups.size(); ++g) {
      for (std::size_t p = 1; p < parts.size(); ++p) {
        run(groups[g - 1], groups[g], parts[p - 1], parts[p]);
      }
    }
    EXPECT_EQ(whole, problem.output_bits()) << "a split changed bits";
    if (!planes) continue;
    const int part = problem.draw(1, static_cast<int>(parts.size()) - 1);
    problem.poison_output();
    run(0, c.channels, parts[part - 1], parts[part]);
    check_part(problem, whole, parts[part - 1], parts[part]);
  }
}

using ConvDepthwiseTest = IsaTest;

TEST_P(ConvDepthwiseTest, Random) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto draw = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    DepthwiseCase c;
    c.channels = draw(1, 9);
    c.height = draw(1, 33);
    c.width = draw(1, 80);
    c.border = draw(0, 3);
    c.output_border = draw(0, 1) ? c.border : draw(0, 3);
    c.stride_y = draw(1, 4);
    c.stride_x = draw(0, 2) ? c.stride_y : draw(1, 5);
    if (draw(0, 1)) c.stride_y = c.stride_x = 1;
    c.dilation = c.border > 1 ? draw(1, c.border) : 1;
    c.taps = draw(1, 25);
    c.residual = draw(0, 1);
    c.clamp = draw(0, 1);
    c.special_values = draw(0, 2) == 0;
    c.whole_lines = draw(0, 2) == 0;
    test(c, seed, table());
    if (HasFailure()) return;
  }
}

TEST_P(ConvDepthwiseTest, EveryWidthAndStride) {
  for (int width = 1; width <= 140; ++width) {
    for (int stride : {1, 2, 3}) {
      SCOPED_TRACE("width " + std::to_string(width) + " stride " + std::to_string(stride));
      test({.channels = 2,
            .height = width % 7 + 1,
            .width = width,
            .stride_y = stride,
            .stride_x = stride},
           width, table());
      if (HasFailure()) return;
    }
  }
}

TEST_P(ConvDepthwiseTest, Windows) {
  for (int width = 1; width <= 100; ++width) {
    SCOPED_TRACE("width " + std::to_string(width));
    test({.channels = 3,
          .height = width % 9 + 1,
          .width = width,
          .border = 2 + width % 3 / 2,
          .output_border = 2 + width % 3 / 2,
          .taps = 24,
          .residual = width % 4 == 0,
          .clamp = width % 5 == 0,
          .special_values = width % 6 == 0,
          .whole_lines = width % 2 == 0,
          .window = 5},
         width, table());
    if (HasFailure()) return;
  }
}

TEST_P(ConvDepthwiseTest, DilatedWindows) {
  for (int width : {6, 17, 40}) {
    test({.channels = 3,
          .height = 9,
          .width = width,
          .border = 4,
          .output_border = 4,
          .dilation = 2,
          .taps = 24,
          .window = 5},
         width, table());
  }
}

// The positions behind the last one would lie farther away than the slack of a tensor.
TEST_P(ConvDepthwiseTest, LongStridesReadNothingBehindTheInput) {
  for (int width = 600; width < 608; ++width) {
    SCOPED_TRACE("width " + std::to_string(width));
    test({.channels = 1,
          .height = 1,
          .width = width,
          .border = 0,
          .output_border = 0,
          .stride_x = 61,
          .taps = 3},
         width, table());
  }
}

INSTANTIATE_ISA_TESTS(ConvDepthwiseTest);

}  // namespace
}  // namespace patternlite::test
