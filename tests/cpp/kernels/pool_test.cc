// pool of every ISA against naive loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "isa_test.h"
#include "sparse_problem.h"

namespace patternlite::test {
namespace {

using kernels::PoolKind;

// A problem supplies layouts and guarded tensors; its groups stay empty.
class PoolTester {
 public:
  explicit PoolTester(unsigned seed, int widest = 70) : problem_(seed) {
    SparseProblem& p = problem_;
    kind_ = p.chance(0.5) ? PoolKind::kMax : PoolKind::kAverage;
    kernel_h_ = p.draw(1, 7), kernel_w_ = p.draw(1, 7);
    stride_h_ = p.draw(1, 3), stride_w_ = p.draw(1, 3);
    p.in = {{p.draw(1, 6), p.draw(1, 33), p.draw(1, widest)}, p.draw(0, 2)};
    pad_top_ = draw_pad(kernel_h_, p.in.shape.height);
    pad_left_ = draw_pad(kernel_w_, p.in.shape.width);
    p.out = {{p.in.shape.channels, draw_outputs(p.in.shape.height, pad_top_, stride_h_),
              draw_outputs(p.in.shape.width, pad_left_, stride_w_)},
             p.draw(0, 2)};
    if (p.chance(0.5)) p.low = -0.2f, p.high = 0.4f;
    p.allocate(false);
    if (p.chance(0.3)) p.scatter({INFINITY, -INFINITY});
    // A maximum may lose NaN.
    if (kind_ == PoolKind::kAverage && p.chance(0.3)) p.scatter({kPoison});
  }

  void test(const kernels::KernelTable& table) {
    SparseProblem& p = problem_;
    table.pool({p.input(),         p.output(),       kind_,        p.in.shape.channels,
                p.in.shape.height, p.in.shape.width, p.in.pitch(), p.out.shape.height,
                p.out.shape.width, p.out.pitch(),    p.in.plane(), p.out.plane(),
                kernel_h_,         kernel_w_,        stride_h_,    stride_w_,
                pad_top_,          pad_left_,        p.low,        p.high});
    std::vector<char> real(p.output_bits().size(), 0);
    for (int c = 0; c < p.out.shape.channels; ++c) {
      for (int y = 0; y < p.out.shape.height; ++y) {
        for (int x = 0; x < p.out.shape.width; ++x) {
          const std::ptrdiff_t at = SparseProblem::index(p.out, c, y, x);
          real[at] = 1;
          const double want = expected(c, y, x), got = p.output()[at - p.out.lead()];
          const bool near = got == want || std::abs(got - want) <= 1e-6;
          ASSERT_TRUE(near || (std::isnan(got) && std::isnan(want)))
              << got << " for " << want << ", channel " << c << " y " << y << " x " << x;
        }
      }
    }
    p.check_untouched(real);
  }

 private:
  // Below 0: the first window begins inside the image.
  int draw_pad(int kernel, int size) {
    return problem_.chance(0.3) ? -problem_.draw(0, std::min(size - 1, 5))
                                : problem_.draw(0, kernel - 1);
  }

  // As many as hold a cell of the image, or one, or some fewer.
  int draw_outputs(int size, int pad, int stride) {
    const int most = (size - 1 + pad) / stride + 1;
    return problem_.chance(0.2) ? 1 : problem_.draw(std::max(1, most - 6), most);
  }

  double expected(int c, int y, int x) const {
    const SparseProblem& p = problem_;
    double sum = 0, most = -INFINITY;
    int cells = 0;
    for (int ky = 0; ky < kernel_h_; ++ky) {
      for (int kx = 0; kx < kernel_w_; ++kx) {
        const int iy = y * stride_h_ - pad_top_ + ky, ix = x * stride_w_ - pad_left_ + kx;
        if (iy < 0 || iy >= p.in.shape.height || ix < 0 || ix >= p.in.shape.width) continue;
        const double value = p.input()[SparseProblem::index(p.in, c, iy, ix) - p.in.lead()];
        sum += value;
        most = std::max(most, value);
        ++cells;
      }
    }
    const double result = kind_ == PoolKind::kMax ? most : sum / cells;
    return std::clamp<double>(result, p.low, p.high);
  }

  SparseProblem problem_;
  PoolKind kind_;
  int kernel_h_, kernel_w_, stride_h_, stride_w_, pad_top_, pad_left_;
};

using PoolTest = IsaTest;

TEST_P(PoolTest, Random) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PoolTester(seed).test(table());
    if (HasFailure()) return;
  }
}

TEST_P(PoolTest, WideMaps) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PoolTester(seed, 1200).test(table());
    if (HasFailure()) return;
  }
}

INSTANTIATE_ISA_TESTS(PoolTest);

}  // namespace
}  // namespace patternlite::test
