// Operators as no converter writes them: they stay with the runtime, which answers for them, and
// what comes before them is taken all the same.
#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <vector>

#include "one_convolution.h"

namespace patternlite::tflite {
namespace {

using Ints = std::vector<int>;

constexpr auto kSame = kTfLitePaddingSame, kValid = kTfLitePaddingValid;
constexpr auto kNone = kTfLiteActNone;
struct NoParams {};

// Behind the convolution, whose output is 1 x 9 x 9 x 24.
class Damaged : public Model {
 public:
  int ints(const Ints& values) {
    return interpreter.constant_as<std::int32_t>({static_cast<int>(values.size())}, kTfLiteInt32,
                                                 values);
  }
  int zeros(const Ints& dims) {
    const int elements = std::accumulate(dims.begin(), dims.end(), 1, std::multiplies());
    return interpreter.constant(dims, std::vector<float>(elements));
  }
  template <typename Params = NoParams>
  int add(TfLiteBuiltinOperator code, Ints inputs, Params params = {}) {
    const int made = interpreter.tensor({1, 1, 1, 1});
    interpreter.node(code, std::move(inputs), made, params);
    interpreter.outputs = {output, made};
    return made;
  }

  void pool(TfLitePoolParams params) { add(kTfLiteBuiltinMaxPool2d, {output}, params); }
  void pad(const Ints& amounts) { add(kTfLiteBuiltinPad, {output, ints(amounts)}); }
  void mirror(const Ints& amounts, int mode) {
    add(kTfLiteBuiltinMirrorPad, {output, ints(amounts)},
        TfLiteMirrorPaddingParams{static_cast<TfLiteMirrorPadding>(mode)});
  }
  void slice(const Ints& begin, const Ints& size) {
    add(kTfLiteBuiltinSlice, {output, ints(begin), ints(size)});
  }
  void strided_slice(const Ints& begin, const Ints& step) {
    add(kTfLiteBuiltinStridedSlice, {output, ints(begin), ints({1, 9, 9, 24}), ints(step)},
        TfLiteStridedSliceParams{});
  }
  void split(const Ints& sizes) { add(kTfLiteBuiltinSplitV, {output, ints(sizes), ints({3})}); }
  void dense(const Ints& weights, int format = 0, bool keep_dims = false) {
    add(kTfLiteBuiltinFullyConnected, {output, zeros(weights), -1},
        TfLiteFullyConnectedParams{kNone, format, keep_dims});
  }
  void transpose(const Ints& order) { add(kTfLiteBuiltinTranspose, {output, ints(order)}); }
  int rows() { return add(kTfLiteBuiltinReshape, {output, ints({81, 24})}, TfLiteReshapeParams{}); }
  int resize(const Ints& size) {
    return add(kTfLiteBuiltinResizeNearestNeighbor, {output, ints(size)}, TfLiteResizeParams{});
  }
  void squeeze(const Ints& size) {
    add(kTfLiteBuiltinSqueeze, {resize(size)}, TfLiteSqueezeParams{{1, 2}, 2});
  }
  void tile(const Ints& dims, const Ints& times) {
    const int view = add(kTfLiteBuiltinReshape, {output, ints(dims)}, TfLiteReshapeParams{});
    add(kTfLiteBuiltinTile, {view, ints(times)});
  }
  void depth_to_space(int block) {
    add(kTfLiteBuiltinDepthToSpace, {output}, TfLiteDepthToSpaceParams{block});
  }
  void convolve(const Ints& weights) {
    add(kTfLiteBuiltinConv2d, {output, zeros(weights), -1},
        TfLiteConvParams{kSame, 1, 1, kNone, 1, 1});
  }
  void depthwise(const Ints& weights) {
    add(kTfLiteBuiltinDepthwiseConv2d, {output, zeros(weights), -1},
        TfLiteDepthwiseConvParams{kSame, 1, 1, 1, kNone, 1, 1});
  }
  void transposed(const Ints& size, const Ints& weights, int stride_h = 2, int stride_w = 2) {
    add(kTfLiteBuiltinTransposeConv, {ints(size), zeros(weights), output},
        TfLiteTransposeConvParams{kSame, stride_w, stride_h, kNone});
  }
};

struct Case {
  const char* name;
  std::function<void(Damaged&)> add;
  Ints claimed = {0};  // nodes; the damaged one comes last
};

void expect_left(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    TfLiteDelegate* delegate = create_delegate(forced());
    {
      Damaged model;
      each.add(model);
      ASSERT_EQ(model.interpreter.apply(delegate), kTfLiteOk) << each.name;
      EXPECT_EQ(model.interpreter.claimed_nodes(), each.claimed) << each.name;
    }
    destroy_delegate(delegate);
  }
}

TEST(DamagedOperators, Windows) {
  expect_left({
      {"pool, rows by 0", [](Damaged& d) { d.pool({kValid, 1, 0, 2, 2, kNone}); }},
      {"pool, columns by 0", [](Damaged& d) { d.pool({kValid, 0, 1, 2, 2, kNone}); }},
      {"pool of no rows", [](Damaged& d) { d.pool({kValid, 1, 1, 2, 0, kNone}); }},
      {"pool of no columns", [](Damaged& d) { d.pool({kValid, 1, 1, 0, 2, kNone}); }},
      {"kernel of 3 axes", [](Damaged& d) { d.convolve({8, 3, 24}); }},
      {"filters in 2 groups", [](Damaged& d) { d.convolve({5, 1, 1, 12}); }},
      {"no filter", [](Damaged& d) { d.convolve({0, 1, 1, 24}); }},
      {"kernel of no columns", [](Damaged& d) { d.convolve({8, 1, 0, 24}); }},
      {"two depthwise kernels", [](Damaged& d) { d.depthwise({2, 3, 3, 24}); }},
      {"depthwise, 25 of 24", [](Damaged& d) { d.depthwise({1, 3, 3, 25}); }},
      {"shuffled weights", [](Damaged& d) { d.dense({5, 24}, 1); }},
      {"dense weights of 3 axes", [](Damaged& d) { d.dense({5, 24, 1}); }},
      {"dense, of parts of a position", [](Damaged& d) { d.dense({5, 12}); }},
      {"dense, of 2 maps", [](Damaged& d) { d.dense({5, 2 * 9 * 9 * 24}); }},
      {"dense, of a map that stays one", [](Damaged& d) { d.dense({5, 9 * 9 * 24}, 0, true); }},
  });
}

TEST(DamagedOperators, TransposedConvolutions) {
  const Ints size = {1, 18, 18, 8}, weights = {8, 3, 3, 24};
  expect_left({
      {"by 0", [&](Damaged& d) { d.transposed(size, weights, 0, 0); }},
      {"rows by 1", [&](Damaged& d) { d.transposed({1, 9, 18, 8}, weights, 1, 2); }},
      {"of 3 sizes", [&](Damaged& d) { d.transposed({1, 18, 18}, weights); }},
      {"kernel of 3 axes", [&](Damaged& d) { d.transposed(size, {8, 3, 24}); }},
      {"kernel with gaps", [&](Damaged& d) { d.transposed(size, {8, 1, 3, 24}); }},
      {"kernel with gaps of columns", [&](Damaged& d) { d.transposed(size, {8, 3, 1, 24}); }},
      {"other channels", [&](Damaged& d) { d.transposed(size, {8, 3, 3, 23}); }},
      {"two images", [&](Damaged& d) { d.transposed({2, 18, 18, 8}, weights); }},
      {"other filters", [&](Damaged& d) { d.transposed({1, 18, 18, 7}, weights); }},
      {"other rows", [&](Damaged& d) { d.transposed({1, 20, 18, 8}, weights); }},
      {"other columns", [&](Damaged& d) { d.transposed({1, 18, 16, 8}, weights); }},
  });
}

TEST(DamagedOperators, Pads) {
  constexpr int kReflect = kTfLiteMirrorReflect, kSymmetric = kTfLiteMirrorSymmetric;
  expect_left({
      {"of 3 axes", [](Damaged& d) { d.pad({0, 0, 1, 1, 1, 1}); }},
      {"of 4 axes, of rows",
       [](Damaged& d) { d.add(kTfLiteBuiltinPad, {d.rows(), d.ints({0, 0, 0, 0, 1, 1, 0, 0})}); }},
      {"by -1", [](Damaged& d) { d.pad({0, 0, -1, 2, 0, 0, 0, 0}); }},
      {"by 5000", [](Damaged& d) { d.pad({0, 0, 0, 0, 5000, 0, 0, 0}); }},
      {"mirrored in no way", [](Damaged& d) { d.mirror({0, 0, 1, 1, 1, 1, 0, 0}, 0); }},
      {"9 rows above", [](Damaged& d) { d.mirror({0, 0, 9, 0, 0, 0, 0, 0}, kReflect); }},
      {"9 rows below", [](Damaged& d) { d.mirror({0, 0, 0, 9, 0, 0, 0, 0}, kReflect); }},
      {"9 columns before", [](Damaged& d) { d.mirror({0, 0, 0, 0, 9, 0, 0, 0}, kReflect); }},
      {"9 columns behind", [](Damaged& d) { d.mirror({0, 0, 0, 0, 0, 9, 0, 0}, kReflect); }},
      {"10 rows", [](Damaged& d) { d.mirror({0, 0, 10, 0, 0, 0, 0, 0}, kSymmetric); }},
      {"10 columns", [](Damaged& d) { d.mirror({0, 0, 0, 0, 0, 10, 0, 0}, kSymmetric); }},
  });
}

TEST(DamagedOperators, Slices) {
  expect_left({
      {"from -1", [](Damaged& d) { d.slice({0, -1, 0, 0}, {-1, 5, -1, -1}); }},
      {"of -2", [](Damaged& d) { d.slice({0, 3, 0, 0}, {-1, -2, -1, -1}); }},
      {"of 7 from 3 on", [](Damaged& d) { d.slice({0, 0, 3, 0}, {-1, -1, 7, -1}); }},
      {"of 3 axes", [](Damaged& d) { d.slice({0, 0, 0}, {-1, -1, -1}); }},
      {"of 3 sizes", [](Damaged& d) { d.slice({0, 0, 0, 0}, {-1, -1, -1}); }},
      {"by steps of 0", [](Damaged& d) { d.strided_slice({0, 0, 0, 0}, {1, 0, 1, 1}); }},
      {"by steps of -1", [](Damaged& d) { d.strided_slice({0, 0, 0, 0}, {1, 1, -1, 1}); }},
      {"from 3 places", [](Damaged& d) { d.strided_slice({0, 0, 0}, {1, 1, 1, 1}); }},
      {"by 3 steps", [](Damaged& d) { d.strided_slice({0, 0, 0, 0}, {1, 1, 1}); }},
      {"parts that are fewer", [](Damaged& d) { d.split({5}); }},
      {"parts that are more", [](Damaged& d) { d.split({12, 12}); }},
      {"a concatenation that clips",
       [](Damaged& d) {
         d.add(kTfLiteBuiltinConcatenation, {d.output, d.output},
               TfLiteConcatenationParams{3, kTfLiteActRelu});
       }},
      {"a concatenation of two sizes",
       [](Damaged& d) {
         d.add(kTfLiteBuiltinConcatenation, {d.output, d.resize({9, 5})},
               TfLiteConcatenationParams{3, kNone});
       },
       {0, 1}},
      {"numbers of 8 bits",
       [](Damaged& d) {
         const int numbers = d.interpreter.constant_as<std::int8_t>({4}, kTfLiteInt8, {0, 0, 0, 0});
         d.add(kTfLiteBuiltinSlice, {d.output, numbers, d.ints({-1, 5, 5, -1})});
       }},
  });
}

TEST(DamagedOperators, Sizes) {
  expect_left({
      {"resized to nothing", [](Damaged& d) { d.resize({0, 5}); }},
      {"resized to 40000", [](Damaged& d) { d.resize({5, 40000}); }},
      {"resized to 3 sizes", [](Damaged& d) { d.resize({5, 5, 5}); }},
      {"rows of nothing",
       [](Damaged& d) {
         d.add(kTfLiteBuiltinReshape, {d.output, d.ints({0, -1})}, TfLiteReshapeParams{});
       }},
      {"rows that are cut unevenly",
       [](Damaged& d) {
         d.add(kTfLiteBuiltinReshape, {d.output, d.ints({1, 6, 12, 27})}, TfLiteReshapeParams{});
       }},
      {"an axis that comes twice", [](Damaged& d) { d.transpose({0, 0, 1, 2}); }},
      {"a fifth axis of 4", [](Damaged& d) { d.transpose({0, 1, 2, 4}); }},
      {"resized rows",
       [](Damaged& d) {
         d.add(kTfLiteBuiltinResizeBilinear, {d.rows(), d.ints({5, 5})}, TfLiteResizeParams{});
       }},
      {"blocks of rows",
       [](Damaged& d) {
         d.add(kTfLiteBuiltinDepthToSpace, {d.rows()}, TfLiteDepthToSpaceParams{2});
       }},
      {"squeezed rows", [](Damaged& d) { d.squeeze({9, 1}); }, {0, 1}},
      {"squeezed columns", [](Damaged& d) { d.squeeze({1, 9}); }, {0, 1}},
      {"4 tiles of 5 axes", [](Damaged& d) { d.tile({1, 9, 1, 9, 24}, {1, 1, 2, 1}); }},
      {"no tile", [](Damaged& d) { d.tile({1, 9, 1, 9, 24}, {1, 1, 0, 1, 1}); }},
      {"40000 tiles", [](Damaged& d) { d.tile({1, 9, 1, 9, 24}, {1, 1, 40000, 1, 1}); }},
      {"blocks of 0", [](Damaged& d) { d.depth_to_space(0); }},
      {"blocks of 5", [](Damaged& d) { d.depth_to_space(5); }},
  });
}

}  // namespace
}  // namespace patternlite::tflite
