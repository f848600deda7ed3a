// The operators of TFLite that the delegate knows, and their parameters: more of the ABI, as abi.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace patternlite::tflite {

extern "C" {

enum TfLiteBuiltinOperator : int32_t {
  kTfLiteBuiltinAdd = 0,
  kTfLiteBuiltinAveragePool2d = 1,
  kTfLiteBuiltinConcatenation = 2,
  kTfLiteBuiltinConv2d = 3,
  kTfLiteBuiltinDepthwiseConv2d = 4,
  kTfLiteBuiltinDepthToSpace = 5,
  kTfLiteBuiltinDequantize = 6,
  kTfLiteBuiltinFullyConnected = 9,
  kTfLiteBuiltinLogistic = 14,
  kTfLiteBuiltinMaxPool2d = 17,
  kTfLiteBuiltinMul = 18,
  kTfLiteBuiltinRelu = 19,
  kTfLiteBuiltinReluN1To1 = 20,
  kTfLiteBuiltinRelu6 = 21,
  kTfLiteBuiltinReshape = 22,
  kTfLiteBuiltinResizeBilinear = 23,
  kTfLiteBuiltinSoftmax = 25,
  kTfLiteBuiltinTanh = 28,
  kTfLiteBuiltinPad = 34,
  kTfLiteBuiltinTranspose = 39,
  kTfLiteBuiltinMean = 40,
  kTfLiteBuiltinSub = 41,
  kTfLiteBuiltinDiv = 42,
  kTfLiteBuiltinSqueeze = 43,
  kTfLiteBuiltinStridedSlice = 45,
  kTfLiteBuiltinSplit = 49,
  kTfLiteBuiltinDelegate = 51,
  kTfLiteBuiltinPrelu = 54,
  kTfLiteBuiltinNeg = 59,
  kTfLiteBuiltinPadV2 = 60,
  kTfLiteBuiltinSlice = 65,
  kTfLiteBuiltinTransposeConv = 67,
  kTfLiteBuiltinTile = 69,
  kTfLiteBuiltinRsqrt = 76,
  kTfLiteBuiltinShape = 77,
  kTfLiteBuiltinPack = 83,
  kTfLiteBuiltinResizeNearestNeighbor = 97,
  kTfLiteBuiltinLeakyRelu = 98,
  kTfLiteBuiltinSquaredDifference = 99,
  kTfLiteBuiltinMirrorPad = 100,
  kTfLiteBuiltinSplitV = 102,
  kTfLiteBuiltinHardSwish = 117,
  kTfLiteBuiltinDensify = 124,
  kTfLiteBuiltinGelu = 150,
  kTfLiteBuiltinRelu0To1 = 152,
};

enum TfLitePadding : int { kTfLitePaddingSame = 1, kTfLitePaddingValid = 2 };

enum TfLiteFusedActivation : int {
  kTfLiteActNone = 0,
  kTfLiteActRelu = 1,
  kTfLiteActReluN1To1 = 2,
  kTfLiteActRelu6 = 3,
};

// Fields that newer runtimes append to these are left out: older ones do not have them.
struct TfLiteConvParams {
  TfLitePadding padding;
  int stride_width, stride_height;
  TfLiteFusedActivation activation;
  int dilation_width_factor, dilation_height_factor;
};

struct TfLiteDepthwiseConvParams {
  TfLitePadding padding;
  int stride_width, stride_height;
  int depth_multiplier;
  TfLiteFusedActivation activation;
  int dilation_width_factor, dilation_height_factor;
};

struct TfLiteTransposeConvParams {
  TfLitePadding padding;
  int stride_width, stride_height;
  TfLiteFusedActivation activation;
};

struct TfLitePoolParams {
  TfLitePadding padding;
  int stride_width, stride_height;
  int filter_width, filter_height;
  TfLiteFusedActivation activation;
};

// Of ADD, SUB, MUL and DIV.
struct TfLiteArithmeticParams {
  TfLiteFusedActivation activation;
};

struct TfLiteFullyConnectedParams {
  TfLiteFusedActivation activation;
  int weights_format;  // 0: [units][input_depth]
  bool keep_num_dims;
};

struct TfLiteConcatenationParams {
  int axis;
  TfLiteFusedActivation activation;
};

// Of RESIZE_BILINEAR and of RESIZE_NEAREST_NEIGHBOR.
struct TfLiteResizeParams {
  bool align_corners, half_pixel_centers;
};

struct TfLiteSoftmaxParams {
  float beta;
};

struct TfLiteLeakyReluParams {
  float alpha;
};

struct TfLiteGeluParams {
  bool approximate;
};

enum TfLiteMirrorPadding : int { kTfLiteMirrorReflect = 1, kTfLiteMirrorSymmetric = 2 };

struct TfLiteMirrorPaddingParams {
  TfLiteMirrorPadding mode;
};

struct TfLiteReshapeParams {
  int32_t shape[8];
  int num_dimensions;
};

struct TfLiteReducerParams {
  bool keep_dims;
};

struct TfLiteSqueezeParams {
  int32_t squeeze_dims[8];
  int num_squeeze_dims;
};

struct TfLiteDepthToSpaceParams {
  int block_size;
};

struct TfLiteStridedSliceParams {
  int begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask;
  bool offset;  // the ends count from the begins
};

}  // extern "C"

static_assert(sizeof(TfLiteConvParams) == 24 && sizeof(TfLiteDepthwiseConvParams) == 28 &&
              sizeof(TfLitePoolParams) == 24 && sizeof(TfLiteReshapeParams) == 36 &&
              offsetof(TfLiteFullyConnectedParams, keep_num_dims) == 8);

}  // namespace patternlite::tflite
