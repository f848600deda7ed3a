// curve of every ISA against the formulas.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "isa_test.h"
#include "sparse_problem.h"

namespace patternlite::test {
namespace {

using kernels::CurveKind;
using CurveTest = IsaTest;

double expected(CurveKind kind, double x, double slope = 0) {
  if (std::isnan(x)) return x;
  if (kind == CurveKind::kLeakyRelu) return x > 0 ? x : x * slope;
  if (kind == CurveKind::kHardSwish) return x * std::clamp(x + 3, 0.0, 6.0) / 6;
  if (kind == CurveKind::kTanh) return std::tanh(x);
  if (kind == CurveKind::kGelu) return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
  if (kind == CurveKind::kTanhGelu) {
    return x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))) / 2;
  }
  const double sigmoid = 1 / (1 + std::exp(-x));
  return kind == CurveKind::kSigmoid ? sigmoid : x * sigmoid;
}

TEST_P(CurveTest, Random) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SparseProblem p(seed);  // supplies layouts and guarded tensors
    p.in = p.out = {{p.draw(1, 9), p.draw(1, 20), p.draw(1, 70)}, p.draw(0, 3)};
    p.allocate(p.chance(0.3));
    if (p.chance(0.3)) p.scatter({-6e29f, -25, -17.5f, -17.3f, 17.3f, 25, 6e29f});  // times 5
    std::vector<float> in(p.input() - p.in.lead(), p.input() - p.in.lead() + p.in.elements());
    for (float& value : in) value *= 5;
    constexpr std::array kKinds = {
        CurveKind::kLeakyRelu, CurveKind::kHardSwish, CurveKind::kSigmoid, CurveKind::kSilu,
        CurveKind::kTanh,      CurveKind::kGelu,      CurveKind::kTanhGelu};
    const CurveKind kind = kKinds[p.draw(0, kKinds.size() - 1)];
    const Shape& shape = p.in.shape;
    GuardedBuffer slopes(shape.channels, Flush::kBack, kPoison);
    for (int c = 0; c < shape.channels; ++c) slopes[c] = p.real();
    const kernels::Curve task{in.data() + p.in.lead(),
                              p.output(),
                              kind,
                              slopes.data(),
                              shape.channels,
                              shape.height,
                              shape.width,
                              p.in.pitch(),
                              p.in.plane()};
    table().curve(task);
    std::vector<char> real(in.size(), 0);
    for (int c = 0; c < shape.channels; ++c) {
      for (int y = 0; y < shape.height; ++y) {
        for (int x = 0; x < shape.width; ++x) {
          const std::ptrdiff_t at = SparseProblem::index(p.in, c, y, x);
          real[at] = 1;
          const double wanted = expected(kind, in[at], slopes[c]);
          const float actual = p.output()[at - p.in.lead()];
          if (std::isnan(wanted)) {
            ASSERT_TRUE(std::isnan(actual)) << in[at];
          } else if (std::isinf(wanted)) {
            ASSERT_EQ(actual, wanted) << in[at];
          } else {
            ASSERT_NEAR(actual, wanted, 2e-6 + 3e-7 * std::abs(wanted)) << in[at];
          }
        }
      }
    }
    p.check_untouched(real);
    if (HasFatalFailure()) return;
    const auto whole = p.output_bits();
    kernels::Curve in_place = task;
    in_place.output = in.data() + p.in.lead();
    table().curve(in_place);
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (real[i]) {
        ASSERT_EQ(std::memcmp(&in[i], &whole[i], sizeof(float)), 0) << i;
      }
    }
  }
}

TEST_P(CurveTest, SigmoidsAreAccurate) {
  std::vector<float> in, out(70000);
  for (float x = -86; x < 88; x += 0.0025f) in.push_back(x);
  const int count = static_cast<int>(in.size());
  in.resize(out.size());  // whole vectors are read
  for (const CurveKind kind : {CurveKind::kSigmoid, CurveKind::kSilu}) {
    table().curve({in.data(), out.data(), kind, nullptr, 1, 1, count, count, out.size()});
    for (int i = 0; i < count; ++i) {
      const double wanted = expected(kind, in[i]);
      ASSERT_NEAR(out[i], wanted, std::abs(wanted) * (4e-7 + 1e-7 * std::abs(in[i]))) << in[i];
    }
  }
}

TEST_P(CurveTest, TanhOfSmallValuesKeepsItsDigits) {
  std::vector<float> in, out(1024);
  for (float x = 1e-20f; x < 1; x *= 1.2f) in.insert(in.end(), {x, -x});
  const int count = static_cast<int>(in.size());
  in.resize(out.size());  // whole vectors are read
  table().curve({in.data(), out.data(), CurveKind::kTanh, nullptr, 1, 1, count, count, out.size()});
  for (int i = 0; i < count; ++i) {
    ASSERT_NEAR(out[i], std::tanh(in[i]), 4e-6 * std::abs(in[i])) << in[i];
  }
}

INSTANTIATE_ISA_TESTS(CurveTest);

}  // namespace
}  // namespace patternlite::test
