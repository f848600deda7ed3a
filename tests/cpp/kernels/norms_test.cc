// channel_norm and instance_norm of every ISA against the formula.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "isa_test.h"
#include "sparse_problem.h"

namespace patternlite::test {
namespace {

using NormsTest = IsaTest;

// Of the values value(0) .. value(count - 1).
template <typename Value>
std::pair<double, double> mean_and_variance(int count, const Value& value) {
  double mean = 0, variance = 0;
  for (int i = 0; i < count; ++i) mean += value(i) / double(count);
  for (int i = 0; i < count; ++i) variance += std::pow(value(i) - mean, 2) / count;
  return {mean, variance};
}

void check(unsigned seed, void (*kernel)(const kernels::Norm&), bool over_channels) {
  SparseProblem p(seed);  // supplies layouts and guarded tensors
  p.in = p.out = {{p.draw(1, 40), p.draw(1, 9), p.draw(1, 140)}, p.draw(0, 3)};
  p.allocate(p.chance(0.3));
  if (p.chance(0.2)) p.scatter({kPoison, INFINITY});
  const Shape& shape = p.in.shape;
  GuardedBuffer scales(shape.channels, Flush::kBack, kPoison);
  GuardedBuffer shifts(shape.channels, Flush::kBack, kPoison);
  for (int c = 0; c < shape.channels; ++c) scales[c] = p.real(), shifts[c] = p.real();
  const float epsilon = p.chance(0.5) ? 1e-3f : 1e-5f;
  kernel({p.input(), p.output(), scales.data(), shifts.data(), epsilon, shape.channels,
          shape.height, shape.width, p.in.pitch(), p.in.plane()});
  std::vector<char> real(p.output_bits().size(), 0);
  const auto at = [&](int c, int y, int x) {
    return SparseProblem::index(p.in, c, y, x) - p.in.lead();
  };
  for (int c = 0; c < shape.channels; ++c) {
    for (int y = 0; y < shape.height; ++y) {
      for (int x = 0; x < shape.width; ++x) {
        real[at(c, y, x) + p.in.lead()] = 1;
        const auto [mean, variance] =
            over_channels
                ? mean_and_variance(shape.channels, [&](int i) { return p.input()[at(i, y, x)]; })
                : mean_and_variance(shape.height * shape.width, [&](int i) {
                    return p.input()[at(c, i / shape.width, i % shape.width)];
                  });
        const double factor = scales[c] / std::sqrt(variance + epsilon);
        const double wanted = (p.input()[at(c, y, x)] - mean) * factor + shifts[c];
        const float actual = p.output()[at(c, y, x)];
        if (std::isnan(wanted)) {
          ASSERT_TRUE(std::isnan(actual)) << c << ' ' << y << ' ' << x;
        } else {
          ASSERT_NEAR(actual, wanted, 1e-6 * (1 + std::abs(factor))) << c << ' ' << y << ' ' << x;
        }
      }
    }
  }
  p.check_untouched(real);
}

TEST_P(NormsTest, OfChannels) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    check(seed, table().channel_norm, true);
    if (HasFatalFailure()) return;
  }
}

TEST_P(NormsTest, OfInstances) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    check(seed, table().instance_norm, false);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_ISA_TESTS(NormsTest);

}  // namespace
}  // namespace patternlite::test
