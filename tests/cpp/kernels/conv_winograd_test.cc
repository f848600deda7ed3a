// conv_winograd of every ISA against the naive convolution.
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/pack/run_stream.h"
#include "isa_test.h"
#include "kernels/winograd.h"
#include "sparse_problem.h"

namespace patternlite::test {
namespace {

constexpr int kFilters = kernels::kBcFilters;

class WinogradTester {
 public:
  explicit WinogradTester(unsigned seed) : problem_(seed) {
    SparseProblem& p = problem_;
    kernel_h_ = p.draw(1, kernels::kWinogradMostRows);
    p.stride_x = p.draw(1, 2);
    p.stride_y = std::min(p.draw(1, 2), kernel_h_);
    kernel_w_ = p.draw(1, kernels::kWinogradMostTaps * p.stride_x);
    p.in = {{p.draw(1, 5), p.draw(1, 20), p.draw(1, 70)}, std::max(kernel_h_, kernel_w_) / 2};
    p.out = {{0, (p.in.shape.height - 1) / p.stride_y + 1, (p.in.shape.width - 1) / p.stride_x + 1},
             p.draw(0, 2)};
    p.in.whole_lines = p.chance(0.25);
    p.with_residual = p.chance(0.5);
    if (p.chance(0.5)) p.low = -0.4f, p.high = 0.7f;
    p.tolerance = 5e-6;  // see winograd.h
    make_groups(p.draw(1, 3));
    p.allocate(/*special_values=*/p.chance(0.3));
  }

  void test(const kernels::KernelTable& table) {
    SparseProblem& p = problem_;
    const int taps = std::max(2, (kernel_w_ + p.stride_x - 1) / p.stride_x);
    const std::vector<float> transformed = taps == 2   ? transform<5>()
                                           : taps == 3 ? transform<6>()
                                                       : transform<7>();
    const int points = kernels::winograd_points(taps), channels = p.in.shape.channels;
    const int blocks = PlanarLayout::round_up(p.out.shape.width, 16) / 16;
    const int length = PlanarLayout::round_up(4 * blocks, 16) + 16;
    GuardedBuffer weights(transformed.size(), Flush::kBack),
        scratch(kernel_h_ * channels * p.stride_x * blocks * points * 4 + 4 * p.stride_x * length,
                Flush::kBack, kPoison);
    std::ranges::copy(transformed, weights.data());
    const PackedRuns direct = pack_runs(pack_taps(p), p.stride_x, table.bc_max_run);
    const auto run = [&](int group_begin, int group_end, int begin, int end) {
      table.conv_winograd({.direct = {p.input(), p.output(), direct.view(), p.epilogue(),
                                      p.stride_y * p.in.pitch(), p.stride_x, p.out.pitch(),
                                      p.out.shape.width, group_begin, group_end, begin, end},
                           .first_row = p.input() - pad_top() * p.in.pitch() - pad_left(),
                           .input_pitch = p.in.pitch(),
                           .input_plane = p.in.plane(),
                           .channels = channels,
                           .kernel_h = kernel_h_,
                           .stride_h = p.stride_y,
                           .phases = p.stride_x,
                           .points = points,
                           .columns = (p.out.shape.width - 1) * p.stride_x + kernel_w_,
                           .blocks = blocks,
                           .weights = weights.data(),
                           .scratch = scratch.data(),
                           .stream_length = length});
    };
    const int groups = static_cast<int>(p.groups.size());
    run(0, groups, 0, p.out.shape.height);
    p.check(/*zeroed=*/0);
    check_splits(p, groups, p.out.shape.height, 1, run);
  }

 private:
  int pad_top() const { return kernel_h_ / 2; }
  int pad_left() const { return kernel_w_ / 2; }

  // Dense: all taps of a window, in the order channel, row, column.
  void make_groups(int count) {
    SparseProblem& p = problem_;
    p.out.shape.channels = count * kFilters + 1;
    fill_groups(p, kFilters, count, /*dilation=*/1, /*most_taps=*/1);
    for (Group& group : p.groups) {
      group.taps.clear();
      group.weights.clear();
      for (int channel = 0; channel < p.in.shape.channels; ++channel) {
        for (int y = 0; y < kernel_h_; ++y) {
          for (int x = 0; x < kernel_w_; ++x) {
            group.taps.push_back({channel, y - pad_top(), x - pad_left()});
            for (int f = 0; f < kFilters; ++f) group.weights.push_back(p.real());
          }
        }
      }
    }
  }

  // [groups][kernel_h][channels][phases][points][16]
  template <int Points>
  std::vector<float> transform() const {
    constexpr kernels::Winograd<Points> kMatrix;
    const int phases = problem_.stride_x;
    std::vector<float> all;
    for (const Group& group : problem_.groups) {
      for (int y = 0; y < kernel_h_; ++y) {
        for (int channel = 0; channel < problem_.in.shape.channels; ++channel) {
          const float* row = &group.weights[(channel * kernel_h_ + y) * kernel_w_ * kFilters];
          for (int i = 0; i < phases * Points * kFilters; ++i) {
            const int phase = i / (Points * kFilters), point = i / kFilters % Points;
            double sum = 0;
            for (int tap = 0; tap < kMatrix.kTaps; ++tap) {
              const int x = tap * phases + phase;
              if (x < kernel_w_)
                sum += kMatrix.filter[point][tap] * row[x * kFilters + i % kFilters];
            }
            all.push_back(static_cast<float>(sum));
          }
        }
      }
    }
    return all;
  }

  SparseProblem problem_;
  int kernel_h_, kernel_w_;
};

using ConvWinogradTest = IsaTest;

TEST_P(ConvWinogradTest, Random) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    WinogradTester(seed).test(table());
    if (HasFailure()) return;
  }
}

INSTANTIATE_ISA_TESTS(ConvWinogradTest);

}  // namespace
}  // namespace patternlite::test
