// conv_os and conv_bc16 of every ISA against the naive convolution.
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "engine/pack/run_stream.h"
#include "isa_test.h"
#include "sparse_problem.h"

namespace patternlite::test {
namespace {

class ConvTester {
 public:
  ConvTester& channels(int n) { return set(channels_, n); }
  ConvTester& filters_per_group(int n) { return set(filters_per_group_, n); }
  ConvTester& groups(int n) { return set(groups_, n); }
  ConvTester& height(int n) { return set(height_, n); }
  ConvTester& width(int n) { return set(width_, n); }
  ConvTester& border(int n) { return set(border_, n); }
  ConvTester& output_border(int n) { return set(output_border_, n); }
  ConvTester& stride(int y, int x) { return set(stride_y_, y), set(stride_x_, x); }
  ConvTester& dilation(int n) { return set(dilation_, n); }
  ConvTester& taps(int n) { return set(taps_, n); }
  ConvTester& residual(bool yes) { return set(residual_, yes); }
  ConvTester& clamp(bool yes) { return set(clamp_, yes); }
  ConvTester& special_values(bool yes) { return set(special_values_, yes); }
  ConvTester& seed(unsigned n) { return set(seed_, n); }

  void test_os(const kernels::KernelTable& table) const {
    SparseProblem problem = make(1, 1, border_);
    PackedStream taps = pack_taps(problem);
    const int fetch_taps = problem.draw(0, 2);
    if (fetch_taps != 0) taps.offset.resize(taps.offset.size() + kernels::kOsTapsAhead);
    const std::vector<std::int32_t> mask = problem.position_mask();
    const kernels::FetchAhead ahead{problem.chance(0.5) ? channels_ : 0, problem.in.plane(), 3};
    const auto run = [&](int group_begin, int group_end, int begin, int end) {
      table.conv_os[filters_per_group_ / 2]({problem.input(), problem.output(), taps.view(),
                                             problem.epilogue(), mask.data(), ahead, fetch_taps,
                                             group_begin, group_end, begin, end});
    };
    const int positions = PlanarLayout::round_up(problem.out.positions(), 8);
    run(0, groups_, 0, positions);
    problem.check(/*zeroed=*/positions);
    check_splits(problem, groups_, positions, 16, run);
  }

  void test_bc(const kernels::KernelTable& table) const {
    SparseProblem problem = make(stride_y_, stride_x_, output_border_);
    const int longest = problem.draw(1, table.bc_max_run);
    const PackedRuns runs = pack_runs(pack_taps(problem), stride_x_, longest);
    const auto run = [&](int group_begin, int group_end, int begin, int end) {
      table.conv_bc16({problem.input(), problem.output(), runs.view(), problem.epilogue(),
                       stride_y_ * problem.in.pitch(), stride_x_, problem.out.pitch(),
                       problem.out.shape.width, group_begin, group_end, begin, end});
    };
    run(0, groups_, 0, problem.out.shape.height);
    problem.check(/*zeroed=*/0);
    check_splits(problem, groups_, problem.out.shape.height, 1, run);
  }

 private:
  template <class T, class U>
  ConvTester& set(T& member, U value) {
    member = value;
    return *this;
  }

  SparseProblem make(int stride_y, int stride_x, int output_border) const {
    SparseProblem problem(seed_);
    problem.in = {{channels_, height_, width_}, border_};
    problem.out = {{groups_ * filters_per_group_ + 1, (height_ - 1) / stride_y + 1,
                    (width_ - 1) / stride_x + 1},
                   output_border};
    problem.in.whole_lines = problem.out.whole_lines = problem.chance(0.25);
    problem.stride_y = stride_y;
    problem.stride_x = stride_x;
    problem.with_residual = residual_;
    if (clamp_) problem.low = -0.4f, problem.high = 0.7f;
    fill_groups(problem, filters_per_group_, groups_, dilation_, taps_);
    problem.allocate(special_values_);
    return problem;
  }

  int channels_ = 5, filters_per_group_ = 1, groups_ = 3, height_ = 9, width_ = 9, border_ = 1;
  int output_border_ = 1, stride_y_ = 1, stride_x_ = 1, dilation_ = 1, taps_ = 12;
  bool residual_ = false, clamp_ = false, special_values_ = false;
  unsigned seed_ = 1;
};

using ConvOsTest = IsaTest;
using ConvBcTest = IsaTest;

// Everything random, replicable by the seed.
ConvTester random_tester(unsigned seed) {
  std::mt19937 random(seed);
  const auto draw = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  const int border = draw(0, 3);
  ConvTester tester;
  tester.channels(draw(1, 40)).groups(draw(1, 9)).height(draw(1, 33)).width(draw(1, 33));
  tester.border(border).output_border(draw(0, 3)).stride(draw(1, 3), draw(1, 3));
  tester.dilation(border > 1 ? draw(1, border) : 1).taps(draw(1, 40)).residual(draw(0, 1));
  tester.clamp(draw(0, 1)).special_values(draw(0, 2) == 0).seed(seed);
  return tester;
}

TEST_P(ConvOsTest, Random) {
  for (unsigned seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const int filters = 1 << seed % 3;
    random_tester(seed).filters_per_group(filters).test_os(table());
    if (HasFailure()) return;
  }
}

// With pitches of a whole vector and of half a one.
TEST_P(ConvOsTest, EveryBlockSize) {
  for (const auto& [width, heights] : {std::pair(15, 44), std::pair(7, 88)}) {
    for (int height = 1; height <= heights; ++height) {
      for (int filters : {1, 2, 4}) {
        ConvTester().height(height).width(width).filters_per_group(filters).test_os(table());
      }
      if (HasFailure()) return;
    }
  }
}

TEST_P(ConvOsTest, NoTapOrOne) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    for (int filters : {1, 2, 4}) {
      ConvTester().filters_per_group(filters).groups(6).taps(1).seed(seed).test_os(table());
    }
  }
}

// Garbage in pad columns (here: infinities meet the zero border's neighbours) is masked to zero.
TEST_P(ConvOsTest, SpecialValues) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    for (int filters : {1, 2, 4}) {
      ConvTester()
          .filters_per_group(filters)
          .special_values(true)
          .clamp(seed % 2)
          .seed(seed)
          .test_os(table());
    }
  }
}

TEST_P(ConvBcTest, Random) {
  for (unsigned seed = 1000; seed < 1120; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_tester(seed).filters_per_group(16).test_bc(table());
    if (HasFailure()) return;
  }
}

TEST_P(ConvBcTest, EveryWidthAndStride) {
  for (int width = 1; width <= 60; ++width) {
    for (int stride : {1, 2, 3}) {
      SCOPED_TRACE("width " + std::to_string(width) + " stride " + std::to_string(stride));
      ConvTester()
          .filters_per_group(16)
          .groups(2)
          .height(width % 11 + 1)
          .width(width)
          .stride(stride, stride)
          .test_bc(table());
      if (HasFailure()) return;
    }
  }
}

TEST_P(ConvBcTest, NoTapOrOne) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    ConvTester().filters_per_group(16).groups(6).taps(1).seed(seed).test_bc(table());
  }
}

TEST_P(ConvBcTest, FullyConnected) {
  ConvTester()
      .filters_per_group(16)
      .channels(40)
      .groups(5)
      .height(1)
      .width(1)
      .border(0)
      .output_border(0)
      .taps(300)
      .residual(true)
      .clamp(true)
      .test_bc(table());
}

TEST_P(ConvBcTest, SpecialValues) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    ConvTester().filters_per_group(16).special_values(true).clamp(seed % 2).seed(seed).test_bc(
        table());
  }
}

INSTANTIATE_ISA_TESTS(ConvOsTest);
INSTANTIATE_ISA_TESTS(ConvBcTest);

}  // namespace
}  // namespace patternlite::test
