// binary and scale of every ISA against naive loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "isa_test.h"
#include "sparse_problem.h"

namespace patternlite::test {
namespace {

using kernels::BinaryKind;
using ArithmeticTest = IsaTest;

// What a kernel of single elements makes: expected(c, at) at each real position, nothing elsewhere,
// and the same bits in place of what it reads. run(input, output) runs it.
template <typename Run, typename Expected>
void check_elements(SparseProblem& p, const Run& run, const Expected& expected) {
  run(p.input(), p.output());
  const Shape& shape = p.out.shape;
  std::vector<char> real(p.output_bits().size(), 0);
  for (int c = 0; c < shape.channels; ++c) {
    for (int y = 0; y < shape.height; ++y) {
      for (int x = 0; x < shape.width; ++x) {
        const std::ptrdiff_t at = SparseProblem::index(p.out, c, y, x) - p.out.lead();
        real[at + p.out.lead()] = 1;
        const float wanted = expected(c, at), actual = p.output()[at];
        if (std::isnan(wanted)) {
          ASSERT_TRUE(std::isnan(actual)) << c << ' ' << y << ' ' << x;
        } else {
          // A multiplication may be fused with an addition.
          const float clamped = std::clamp(wanted, p.low, p.high);
          ASSERT_TRUE(actual == clamped || std::abs(actual - clamped) < 1e-6)
              << actual << " for " << clamped << ", channel " << c << ' ' << y << ' ' << x;
        }
      }
    }
  }
  p.check_untouched(real);
  const auto whole = p.output_bits();
  std::vector<float> a(p.input() - p.in.lead(), p.input() - p.in.lead() + p.in.elements());
  run(a.data() + p.in.lead(), a.data() + p.in.lead());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (real[i]) {
      ASSERT_EQ(std::memcmp(&a[i], &whole[i], sizeof(float)), 0) << i;
    }
  }
}

void draw_maps(SparseProblem& p) {
  p.in = p.out = {{p.draw(1, 9), p.draw(1, 20), p.draw(1, 70)}, p.draw(0, 3)};
  p.with_residual = true;
  if (p.chance(0.5)) p.low = -0.4f, p.high = 0.7f;
  p.allocate(p.chance(0.3));
}

TEST_P(ArithmeticTest, SumsAndProducts) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SparseProblem p(seed);
    draw_maps(p);
    const auto kind = p.chance(0.5) ? BinaryKind::kAdd : BinaryKind::kMultiply;
    const Shape& shape = p.in.shape;
    check_elements(
        p,
        [&](const float* input, float* output) {
          table().binary({input, p.residual(), output, kind, shape.channels, shape.height,
                          shape.width, p.in.pitch(), p.in.plane(), p.low, p.high});
        },
        [&](int, std::ptrdiff_t at) {
          const float a = p.input()[at], b = p.residual()[at];
          return kind == BinaryKind::kAdd ? a + b : a * b;
        });
    if (HasFatalFailure()) return;
  }
}

TEST_P(ArithmeticTest, Scaling) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SparseProblem p(seed);
    draw_maps(p);
    const Shape& shape = p.in.shape;
    const auto stride = static_cast<std::size_t>(p.draw(1, 40));
    GuardedBuffer scales((shape.channels - 1) * stride + 1, Flush::kBack, kPoison);
    GuardedBuffer shifts(shape.channels, Flush::kBack, kPoison);
    for (int c = 0; c < shape.channels; ++c) {
      scales[c * stride] = p.real();
      shifts[c] = p.real();
    }
    const bool shifted = p.chance(0.5);
    check_elements(
        p,
        [&](const float* input, float* output) {
          table().scale({input, output, scales.data(), shifted ? shifts.data() : nullptr, stride,
                         shape.channels, shape.height, shape.width, p.in.pitch(), p.in.plane(),
                         p.low, p.high});
        },
        [&](int c, std::ptrdiff_t at) {
          return p.input()[at] * scales[c * stride] + (shifted ? shifts[c] : 0);
        });
    if (HasFatalFailure()) return;
  }
}

// What follows may be rows that another thread writes.
TEST_P(ArithmeticTest, ReadsAndWritesNothingBehindTheLastRow) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SparseProblem p(seed);
    const int height = p.draw(1, 20), width = p.draw(1, 40), pitch = width + p.draw(0, 3);
    const std::size_t floats = std::size_t(height - 1) * pitch + width;
    GuardedBuffer map(floats, Flush::kBack, 2), other(floats, Flush::kBack, 3);
    const kernels::Planes planes{1, height, width, pitch, floats};
    const float scale = 5;
    table().binary({map.data(), other.data(), map.data(), BinaryKind::kMultiply, planes, 0, 100});
    table().scale({map.data(), map.data(), &scale, nullptr, 0, planes, 0, 100});
    for (std::size_t i = 0; i < floats; ++i) {
      const bool real = static_cast<int>(i % pitch) < width;
      ASSERT_EQ(map[i], real ? 30 : 2) << i;
    }
  }
}

INSTANTIATE_ISA_TESTS(ArithmeticTest);

}  // namespace
}  // namespace patternlite::test
