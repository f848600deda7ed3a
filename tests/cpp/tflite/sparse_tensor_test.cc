// densify against an encoder that follows the format's description literally.
#include "tflite/read/sparse_tensor.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "sparse_encoder.h"

namespace patternlite::tflite {
namespace {

using Integers = std::vector<int>;

// Dimensions, storage order and formats drawn at random; about a third of the elements are zero.
struct Problem {
  explicit Problem(unsigned seed) : random(seed) {
    const int rank = draw(1, 4);
    for (int axis = 0; axis < rank; ++axis) {
      encoder.block_size.push_back(draw(0, 3) ? 1 : draw(2, 3));
      encoder.dims.push_back(encoder.block_size.back() * draw(1, 4));
      encoder.order.push_back(axis);
    }
    std::ranges::shuffle(encoder.order, random);
    for (int axis = 0; axis < rank; ++axis) encoder.compressed.push_back(draw(0, 1));
    std::size_t elements = 1;
    for (const int size : encoder.dims) elements *= size;
    for (std::size_t i = 0; i < elements; ++i) {
      dense.push_back(draw(0, 2) ? static_cast<float>(draw(1, 99)) : 0.0f);
    }
  }
  int draw(int low, int high) { return std::uniform_int_distribution(low, high)(random); }

  std::mt19937 random;
  SparseEncoder encoder;
  std::vector<float> dense;
};

TEST(SparseTensorTest, GivesBackWhatWasEncoded) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    Problem problem(seed);
    SparseTensor<float> sparse = problem.encoder.encode(problem.dense);
    ASSERT_EQ(densify<float>(sparse.tensor()), problem.dense) << "seed " << seed;
  }
}

TEST(SparseTensorTest, TheTypeIsOpaque) {
  const std::vector<std::uint16_t> dense = {0, 7, 0, 0, 0, 65535};
  SparseEncoder encoder{
      .dims = {2, 3}, .block_size = {1, 1}, .order = {0, 1}, .compressed = {false, true}};
  SparseTensor<std::uint16_t> sparse = encoder.encode(dense);
  EXPECT_EQ(sparse.values.size(), 2u);
  EXPECT_EQ(densify<std::uint16_t>(sparse.tensor()), dense);
}

// A tensor of 4 x 6 in blocks of 1 x 2, the second axis compressed.
struct Blocks {
  SparseTensor<float> sparse = SparseEncoder{
      .dims = {4, 6},
      .block_size = {1, 2},
      .order = {0, 1},
      .compressed = {false, true}}.encode(std::vector<float>{1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0,  //
                                                             0, 0, 5, 6, 0, 0, 0, 7, 0, 0, 8, 9});
};

TEST(SparseTensorTest, RefusesWhatDoesNotHoldTogether) {
  using Level = SparseTensor<float>::Level;
  const auto csr = [](Blocks& b) -> Level& { return b.sparse.levels[1]; };
  const std::vector<std::function<void(Blocks&)>> defects = {
      [](Blocks& b) { b.sparse.values.pop_back(); },
      [](Blocks& b) { b.sparse.values.push_back(1); },
      [](Blocks& b) { b.sparse.values.clear(); },
      [](Blocks& b) { b.sparse.dims = {}; },
      [](Blocks& b) { b.sparse.dims = {4, 0}; },
      [](Blocks& b) { b.sparse.dims = {4, -6}; },
      [](Blocks& b) { b.sparse.dims = {4, 7}; },
      [](Blocks& b) { b.sparse.dims = {5, 6}; },
      [](Blocks& b) { b.sparse.dims = {1 << 30, 1 << 30, 1 << 30}; },
      [](Blocks& b) { b.sparse.order = {0, 1}; },
      [](Blocks& b) { b.sparse.order = {0, 0, 2}; },
      [](Blocks& b) { b.sparse.order = {0, 2, 1}; },
      [](Blocks& b) { b.sparse.order = {0, 1, 3}; },
      [](Blocks& b) { b.sparse.order = {-1, 1, 2}; },
      [](Blocks& b) {
        b.sparse.order = {0, 1, 2, 3};
        b.sparse.levels.push_back(b.sparse.levels[2]);
      },
      [](Blocks& b) { b.sparse.block_map = {2}; },
      [](Blocks& b) { b.sparse.block_map = {-1}; },
      [](Blocks& b) { b.sparse.levels.pop_back(); },
      [](Blocks& b) { b.sparse.levels[0].size = 3; },
      [](Blocks& b) { b.sparse.levels[0].size = 5; },
      [](Blocks& b) { b.sparse.levels[0].format = kTfLiteDimSparseCsr; },
      [](Blocks& b) { b.sparse.levels[2].size = 0; },
      [](Blocks& b) { b.sparse.levels[2].size = 4; },
      [](Blocks& b) { b.sparse.levels[2].format = kTfLiteDimSparseCsr; },
      [&](Blocks& b) { csr(b).format = 2; },
      [&](Blocks& b) { csr(b).format = kTfLiteDimDense; },
      [&](Blocks& b) { csr(b).segments.clear(); },
      [&](Blocks& b) { csr(b).segments.pop_back(); },
      [&](Blocks& b) { csr(b).segments.push_back(csr(b).segments.back()); },
      [&](Blocks& b) {  // the last row is missing, and all of it
        csr(b).segments.pop_back();
        csr(b).indices.resize(csr(b).segments.back());
        b.sparse.values.resize(2 * csr(b).indices.size());
      },
      [&](Blocks& b) { csr(b).segments.back() += 1; },
      [&](Blocks& b) { csr(b).segments[0] = 1; },
      [&](Blocks& b) { csr(b).segments[1] = 5; },
      [&](Blocks& b) { csr(b).segments[1] = -1; },
      [&](Blocks& b) { csr(b).indices.push_back(0); },
      [&](Blocks& b) {  // a value of no row
        csr(b).indices.push_back(0);
        b.sparse.values.insert(b.sparse.values.end(), {1, 2});
      },
      [&](Blocks& b) { csr(b).indices[0] = 3; },
      [&](Blocks& b) { csr(b).indices[0] = -1; },
      [&](Blocks& b) { csr(b).indices[0] = csr(b).indices[1]; },
  };
  Blocks sound;
  ASSERT_TRUE(densify<float>(sound.sparse.tensor()));
  for (std::size_t i = 0; i < defects.size(); ++i) {
    Blocks blocks;
    defects[i](blocks);
    EXPECT_FALSE(densify<float>(blocks.sparse.tensor())) << "defect " << i;
  }
}

TEST(SparseTensorTest, RefusesNegativeSizesThatMultiplyToAPositiveOne) {
  SparseTensor<float> sparse;
  sparse.dims = {-2, -3};
  sparse.order = {0, 1};
  sparse.levels = {{.size = -2}, {.size = -3}};
  sparse.values.resize(6);
  EXPECT_FALSE(densify<float>(sparse.tensor()));
}

TEST(SparseTensorTest, RefusesToMakeMoreOfNothingThanWeightsMayBe) {
  SparseTensor<std::uint16_t> sparse;
  sparse.dims = {(1 << 28) + 1};
  sparse.order = {0};
  sparse.levels = {{.format = kTfLiteDimSparseCsr, .segments = {0, 0}}};
  EXPECT_FALSE(densify<std::uint16_t>(sparse.tensor()));
}

TEST(SparseTensorTest, RefusesMissingParts) {
  Blocks blocks;
  TfLiteTensor tensor = blocks.sparse.tensor();
  for (const TfLiteSparsity& sparsity :
       {TfLiteSparsity{}, TfLiteSparsity{.traversal_order = tensor.sparsity->traversal_order,
                                         .block_map = tensor.sparsity->block_map,
                                         .dim_metadata = nullptr,
                                         .dim_metadata_size = 3}}) {
    TfLiteTensor broken = tensor;
    broken.sparsity = &sparsity;
    EXPECT_FALSE(densify<float>(broken));
  }
  tensor.data.raw = nullptr;
  EXPECT_FALSE(densify<float>(tensor));
}

// Whatever the numbers are: an answer or none, but no access outside (the sanitizers watch).
TEST(SparseTensorTest, SurvivesAnyNumbers) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Problem problem(seed);
    SparseTensor<float> sparse = problem.encoder.encode(problem.dense);
    const auto spoil = [&](Integers& numbers) {
      if (numbers.empty()) return;
      int& number = numbers[problem.draw(0, static_cast<int>(numbers.size()) - 1)];
      number = problem.draw(0, 1) ? number + problem.draw(-2, 2) : problem.draw(-9, 99);
    };
    auto& level = sparse.levels[problem.draw(0, static_cast<int>(sparse.levels.size()) - 1)];
    spoil(*std::vector<Integers*>{&sparse.dims, &sparse.order, &sparse.block_map, &level.segments,
                                  &level.indices}[problem.draw(0, 4)]);
    const auto dense = densify<float>(sparse.tensor());
    if (dense) {
      std::size_t elements = 1;
      for (const int size : sparse.dims) elements *= size;
      EXPECT_EQ(dense->size(), elements);
    }
  }
}

}  // namespace
}  // namespace patternlite::tflite
