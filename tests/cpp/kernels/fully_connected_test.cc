// fc_dense and fc_sparse of every ISA against a naive product.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "bits.h"
#include "guarded_buffer.h"
#include "isa_test.h"

namespace patternlite::test {
namespace {

struct FcCase {
  int rows = 5, columns = 40, plane = 16, gap = 0;  // gap: floats between rows of weights
  double density = 1;
  bool bias = true, residual = false, clamp = false, special_values = false;
};

class FcProblem {
 public:
  FcProblem(const FcCase& c, unsigned seed)
      : c_(c),
        random_(seed),
        row_stride_(static_cast<std::size_t>(c.columns) + c.gap),
        input_(c.columns, flush()),
        weights_((c.rows - 1) * row_stride_ + c.columns, flush()),
        bias_(c.rows, flush()),
        residual_((c.rows - 1) * c.plane + 1, flush()),
        output_((c.rows - 1) * c.plane + 1, flush()) {
    for (GuardedBuffer* buffer : {&input_, &bias_, &residual_}) {
      for (std::size_t i = 0; i < buffer->size(); ++i) (*buffer)[i] = real();
    }
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      weights_[i] = std::bernoulli_distribution(c.density)(random_) ? real() : 0.0f;
    }
    if (c.special_values) {
      for (float special : {kPoison, INFINITY, -INFINITY}) input_[draw(c.columns)] = special;
    }
    if (c.clamp) epilogue_.low = -0.4f, epilogue_.high = 0.7f;
    if (c.residual) epilogue_.residual = residual_.data();
  }

  void test_dense(const kernels::KernelTable& table) {
    test(
        c_.rows,
        [&](int begin, int end) {
          table.fc_dense({input_.data(), output_.data(), weights_.data(), row_stride_,
                          c_.bias ? bias_.data() : nullptr, epilogue_,
                          static_cast<std::size_t>(c_.plane), c_.columns, begin, end});
        },
        /*skip_zeros=*/false);
  }

  void test_sparse(const kernels::KernelTable& table) {
    std::vector<float> weights;
    std::vector<std::uint16_t> column;
    std::vector<std::uint32_t> start{0};
    const int blocks = (c_.rows + kernels::kFcBlock - 1) / kernels::kFcBlock;
    for (int block = 0; block < blocks; ++block) {
      const int first = block * kernels::kFcBlock;
      for (int left = 0; left < c_.columns; left += kernels::kFcChunk) {
        for (int row = first; row < std::min(first + kernels::kFcBlock, c_.rows); ++row) {
          for (int i = left; i < std::min(left + kernels::kFcChunk, c_.columns); ++i) {
            if (weight(row, i) == 0) continue;
            weights.push_back(weight(row, i));
            column.push_back(static_cast<std::uint16_t>(i - left));
          }
          start.push_back(static_cast<std::uint32_t>(weights.size()));
        }
      }
    }
    GuardedBuffer packed(std::max<std::size_t>(weights.size(), 1), flush());
    std::copy(weights.begin(), weights.end(), packed.data());
    GuardedBuffer columns((column.size() + 1) / 2 + 1, Flush::kBack);
    // The last index ends at the guard page.
    auto* indices =
        reinterpret_cast<std::uint16_t*>(columns.data() + columns.size()) - column.size();
    if (!column.empty()) std::memcpy(indices, column.data(), column.size() * sizeof column[0]);
    test(
        blocks,
        [&](int begin, int end) {
          table.fc_sparse({input_.data(), output_.data(), packed.data(), indices, start.data(),
                           c_.bias ? bias_.data() : nullptr, epilogue_,
                           static_cast<std::size_t>(c_.plane), c_.rows, c_.columns, begin, end});
        },
        /*skip_zeros=*/true);
  }

 private:
  Flush flush() { return draw(2) ? Flush::kFront : Flush::kBack; }
  float real() { return std::uniform_real_distribution<float>(-1, 1)(random_); }
  int draw(int count) { return std::uniform_int_distribution<int>(0, count - 1)(random_); }
  float weight(int row, int i) const { return weights_[row * row_stride_ + i]; }

  // All at once, then split: right, and the same bits.
  template <class Run>
  void test(int parts, const Run& run, bool skip_zeros) {
    poison();
    run(0, parts);
    check(skip_zeros);
    const std::vector<std::uint32_t> whole = bits();
    poison();
    for (int begin = 0, end; begin < parts; begin = end) {
      end = std::min(parts, begin + 1 + draw(7));
      run(begin, end);
    }
    EXPECT_EQ(whole, bits()) << "a split changed bits";
  }

  std::vector<std::uint32_t> bits() const {
    std::vector<std::uint32_t> all;
    for (std::size_t i = 0; i < output_.size(); ++i) all.push_back(bits_of(output_[i]));
    return all;
  }

  void poison() {
    for (std::size_t i = 0; i < output_.size(); ++i) output_[i] = kPoison;
  }

  void check(bool skip_zeros) const {
    for (std::size_t at = 0; at < output_.size(); ++at) {
      const int row = static_cast<int>(at / c_.plane);
      if (at % c_.plane != 0) {
        ASSERT_TRUE(std::isnan(output_[at])) << "written outside, element " << at;
        continue;
      }
      double sum = c_.bias ? bias_[row] : 0, magnitude = std::abs(sum);
      for (int i = 0; i < c_.columns; ++i) {
        if (skip_zeros && weight(row, i) == 0) continue;
        sum += double{weight(row, i)} * input_[i];
        magnitude += std::abs(double{weight(row, i)} * input_[i]);
      }
      if (c_.residual) {
        sum += residual_[at];
        magnitude += std::abs(residual_[at]);
      }
      if (sum < epilogue_.low) sum = epilogue_.low;
      if (sum > epilogue_.high) sum = epilogue_.high;
      if (std::isnan(sum)) {
        ASSERT_TRUE(std::isnan(output_[at])) << "row " << row;
      } else if (std::isinf(sum)) {
        ASSERT_EQ(output_[at], static_cast<float>(sum)) << "row " << row;
      } else {
        ASSERT_NEAR(output_[at], sum, 1e-6 * (std::isfinite(magnitude) ? magnitude : 1) + 1e-30)
            << "row " << row;
      }
    }
  }

  FcCase c_;
  std::mt19937 random_;
  std::size_t row_stride_;
  GuardedBuffer input_, weights_, bias_, residual_, output_;
  kernels::Epilogue epilogue_{nullptr, -INFINITY, INFINITY};
};

FcCase random_case(unsigned seed) {
  std::mt19937 random(seed);
  const auto draw = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  FcCase c;
  c.rows = draw(1, 150);
  c.columns = draw(0, 9) == 0 ? draw(4000, 9000) : draw(1, 300);
  c.plane = draw(1, 17);
  c.gap = draw(0, 5);
  c.density = draw(0, 10) / 10.0;
  c.bias = draw(0, 3);
  c.residual = draw(0, 1);
  c.clamp = draw(0, 1);
  c.special_values = draw(0, 3) == 0;
  return c;
}

using FullyConnectedTest = IsaTest;

TEST_P(FullyConnectedTest, Dense) {
  for (unsigned seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FcProblem(random_case(seed), seed).test_dense(table());
    if (HasFailure()) return;
  }
}

TEST_P(FullyConnectedTest, Sparse) {
  for (unsigned seed = 1000; seed < 1080; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FcProblem(random_case(seed), seed).test_sparse(table());
    if (HasFailure()) return;
  }
}

TEST_P(FullyConnectedTest, EveryNumberOfColumns) {
  for (int columns = 1; columns <= 100; ++columns) {
    FcProblem({.columns = columns}, columns).test_dense(table());
    FcProblem({.columns = columns, .density = 0.7}, columns).test_sparse(table());
    if (HasFailure()) return;
  }
}

INSTANTIATE_ISA_TESTS(FullyConnectedTest);

}  // namespace
}  // namespace patternlite::test
