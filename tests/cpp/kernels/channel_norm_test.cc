// channel_norm of every ISA against the formula.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "isa_test.h"
#include "sparse_problem.h"

namespace patternlite::test {
namespace {

using ChannelNormTest = IsaTest;

struct Moments {
  double mean = 0, variance = 0;
  Moments(const float* input, int channels, std::size_t plane) {
    for (int c = 0; c < channels; ++c) mean += input[c * plane] / double(channels);
    for (int c = 0; c < channels; ++c) {
      variance += std::pow(input[c * plane] - mean, 2) / channels;
    }
  }
};

TEST_P(ChannelNormTest, Random) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SparseProblem p(seed);  // supplies layouts and guarded tensors
    p.in = p.out = {{p.draw(1, 40), p.draw(1, 9), p.draw(1, 140)}, p.draw(0, 3)};
    p.allocate(p.chance(0.3));
    if (p.chance(0.2)) p.scatter({kPoison, INFINITY});
    const Shape& shape = p.in.shape;
    GuardedBuffer scales(shape.channels, Flush::kBack, kPoison);
    GuardedBuffer shifts(shape.channels, Flush::kBack, kPoison);
    for (int c = 0; c < shape.channels; ++c) scales[c] = p.real(), shifts[c] = p.real();
    const float epsilon = p.chance(0.5) ? 1e-3f : 1e-5f;
    table().channel_norm({p.input(), p.output(), scales.data(), shifts.data(), epsilon,
                          shape.channels, shape.height, shape.width, p.in.pitch(), p.in.plane()});
    std::vector<char> real(p.output_bits().size(), 0);
    for (int y = 0; y < shape.height; ++y) {
      for (int x = 0; x < shape.width; ++x) {
        const std::ptrdiff_t first = SparseProblem::index(p.in, 0, y, x) - p.in.lead();
        const Moments of(p.input() + first, shape.channels, p.in.plane());
        for (int c = 0; c < shape.channels; ++c) {
          const std::ptrdiff_t at = first + static_cast<std::ptrdiff_t>(c * p.in.plane());
          real[at + p.in.lead()] = 1;
          const double factor = scales[c] / std::sqrt(of.variance + epsilon);
          const double wanted = (p.input()[at] - of.mean) * factor + shifts[c];
          const float actual = p.output()[at];
          if (std::isnan(wanted)) {
            ASSERT_TRUE(std::isnan(actual)) << c << ' ' << y << ' ' << x;
          } else {
            ASSERT_NEAR(actual, wanted, 1e-6 * (1 + std::abs(factor))) << c << ' ' << y << ' ' << x;
          }
        }
      }
    }
    p.check_untouched(real);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_ISA_TESTS(ChannelNormTest);

}  // namespace
}  // namespace patternlite::test
