// Axes against tensors that are reshaped and transposed element by element.
#include "tflite/read/axes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace patternlite::tflite {
namespace {

using Dims = std::vector<int>;

// A tensor whose elements are their places in the map that it began as.
struct Tensor {
  Dims dims;
  std::vector<int> elements;

  void transpose(const Dims& order) {
    const int rank = static_cast<int>(dims.size());
    Dims strides(rank, 1), made_dims;
    for (int i = rank - 2; i >= 0; --i) strides[i] = strides[i + 1] * dims[i + 1];
    for (const int axis : order) made_dims.push_back(dims[axis]);
    std::vector<int> made;
    Dims index(rank, 0);
    for (std::size_t i = 0; i < elements.size(); ++i) {
      int at = 0;
      for (int axis = 0; axis < rank; ++axis) at += index[axis] * strides[order[axis]];
      made.push_back(elements[at]);
      for (int axis = rank - 1; axis >= 0 && ++index[axis] == made_dims[axis]; --axis) {
        index[axis] = 0;
      }
    }
    dims = made_dims;
    elements = made;
  }
};

Tensor tensor_of(const Dims& map) {
  Tensor tensor{map, std::vector<int>(map[0] * map[1] * map[2] * map[3])};
  std::iota(tensor.elements.begin(), tensor.elements.end(), 0);
  return tensor;
}

// Cuts some axes in two and joins some neighbours.
Dims other_dims(Dims dims, std::mt19937& random) {
  for (int i = 0; i < 3; ++i) {
    const std::size_t axis = random() % dims.size();
    const int part = 1 + static_cast<int>(random() % 3);
    if (random() % 2 && dims.size() < 6 && dims[axis] % part == 0) {
      dims[axis] /= part;
      dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), part);
    } else if (axis + 1 < dims.size() && dims.size() > 2) {
      dims[axis] *= dims[axis + 1];
      dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1);
    }
  }
  return dims;
}

// Of the factors of 12 channels, one goes behind the rows, one behind the columns.
void make_pixels_of_channels(Axes& axes, Tensor& tensor, std::mt19937& random) {
  const Dims map = tensor.dims;
  Dims parts = {3, 4, 5};
  std::ranges::shuffle(parts, random);
  const Dims order = {0, 1, parts[0], 2, parts[1], parts[2]};
  tensor.dims = {map[0], map[1], map[2], 2, 2, 3};
  axes = axes.reshaped(tensor.dims)->transposed(order);
  tensor.transpose(order);
  const Dims& dims = tensor.dims;
  tensor.dims = {dims[0], dims[1] * dims[2], dims[3] * dims[4], dims[5]};
  axes = *axes.reshaped(tensor.dims);
}

TEST(Axes, RandomRearrangements) {
  int maps = 0, blocks = 0;
  for (unsigned seed = 0; seed < 30000; ++seed) {
    std::mt19937 random(seed);
    const Dims map = {1 + static_cast<int>(random() % 2), 1 + static_cast<int>(random() % 3),
                      1 + static_cast<int>(random() % 3), 12};
    const Axes whole = Axes::of_map(map[0], map[1], map[2], map[3]);
    Axes axes = whole;
    Tensor tensor = tensor_of(map);
    if (random() % 3 == 0) make_pixels_of_channels(axes, tensor, random);
    for (int steps = static_cast<int>(random() % 5); steps > 0; --steps) {
      if (random() % 2) {
        const Dims dims = other_dims(tensor.dims, random);
        const auto reshaped = axes.reshaped(dims);
        if (!reshaped) break;
        axes = *reshaped;
        tensor.dims = dims;
      } else {
        Dims order(tensor.dims.size());
        std::iota(order.begin(), order.end(), 0);
        std::ranges::shuffle(order, random);
        axes = axes.transposed(order);
        tensor.transpose(order);
      }
    }
    ASSERT_EQ(axes.dims(), tensor.dims) << seed;
    ASSERT_EQ(axes.in_order(whole), std::ranges::is_sorted(tensor.elements)) << seed;
    const auto made = axes.as_map(whole);
    if (!made) continue;
    ++maps;
    blocks += made->block > 1;
    const Dims& dims = tensor.dims;
    std::vector<int> expected;
    for (int n = 0; n < dims[0]; ++n) {
      for (int y = 0; y < dims[1]; ++y) {
        for (int x = 0; x < dims[2]; ++x) {
          const auto& part = made->parts[y % made->block * made->block + x % made->block];
          for (const int channel : part) {
            const int row = n * map[1] + y / made->block;
            expected.push_back((row * map[2] + x / made->block) * map[3] + channel);
          }
        }
      }
    }
    ASSERT_EQ(expected, tensor.elements) << seed;
  }
  EXPECT_GT(maps, 2000);
  EXPECT_GT(blocks, 500);
}

// As networks have them.
TEST(Axes, ShufflesAndPixelsOfChannels) {
  const Axes map = Axes::of_map(1, 5, 7, 12);
  const auto nchw = map.transposed(Dims{0, 3, 1, 2});
  EXPECT_EQ(nchw.dims(), (Dims{1, 12, 5, 7}));
  EXPECT_FALSE(nchw.as_map(map));
  EXPECT_EQ(nchw.transposed(Dims{0, 2, 3, 1}), map);
  const auto groups = nchw.reshaped(Dims{1, 3, 4, 5, 7})->transposed(Dims{0, 2, 1, 3, 4});
  const auto shuffled = groups.reshaped(Dims{1, 12, 5, 7})->transposed(Dims{0, 2, 3, 1});
  EXPECT_EQ(shuffled.as_map(map)->parts[0], (Dims{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
  const auto pixels = map.reshaped(Dims{1, 5, 7, 3, 2, 2})->transposed(Dims{0, 1, 4, 2, 5, 3});
  const auto larger = pixels.reshaped(Dims{1, 10, 14, 3})->as_map(map);
  EXPECT_EQ(larger->block, 2);
  EXPECT_EQ(larger->parts[1], (Dims{1, 5, 9}));
  EXPECT_EQ(larger->parts[2], (Dims{2, 6, 10}));
}

TEST(Axes, WhatCutsAFactorUnevenlyIsNone) {
  const Axes map = Axes::of_map(1, 4, 3, 12);
  EXPECT_FALSE(map.reshaped(Dims{1, 8, 18}));
  EXPECT_FALSE(map.reshaped(Dims{1, 12, 11}));
  EXPECT_FALSE(map.reshaped(Dims{1, 12, 12, 2}));
  EXPECT_TRUE(map.reshaped(Dims{144}));
}

TEST(Axes, AnEmptyBatchIsNotCut) {
  const Axes map = Axes::of_map(0, 4, 3, 12);
  EXPECT_FALSE(map.reshaped(Dims{1, 4, 3, 12}));
  EXPECT_FALSE(map.reshaped(Dims{2, 0, 72}));
  EXPECT_FALSE(Axes::of_map(1, 4, 3, 12).reshaped(Dims{0, 4, 3, 12}));
  const auto groups = map.reshaped(Dims{0, 4, 3, 3, 4});
  EXPECT_EQ(groups->dims(), (Dims{0, 4, 3, 3, 4}));
  const auto shuffled = groups->transposed(Dims{0, 1, 2, 4, 3}).reshaped(Dims{0, 4, 3, 12});
  EXPECT_EQ(shuffled->as_map(map)->parts[0], (Dims{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
}

}  // namespace
}  // namespace patternlite::tflite
