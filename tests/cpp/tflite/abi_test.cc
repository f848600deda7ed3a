// The layouts that the three runtimes share; abi.h asserts what the delegate reads, these the rest.
#include "tflite/abi/abi.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "tflite/abi/builtin_operators.h"

namespace patternlite::tflite {
namespace {

TEST(AbiTest, StructsAreWhatCWouldMakeThem) {
  EXPECT_TRUE(std::is_standard_layout_v<TfLiteContext>);
  EXPECT_TRUE(std::is_standard_layout_v<TfLiteTensor>);
  EXPECT_TRUE(std::is_standard_layout_v<TfLiteNode>);
  // Passed by value: must be copied as plain memory.
  EXPECT_TRUE(std::is_trivially_copyable_v<TfLiteRegistration>);
}

TEST(AbiTest, EnumsAreInts) {
  EXPECT_EQ(sizeof(TfLiteStatus), sizeof(int));
  EXPECT_EQ(sizeof(TfLiteType), sizeof(int));
  EXPECT_EQ(sizeof(TfLiteAllocationType), sizeof(int));
  EXPECT_EQ(sizeof(TfLiteFusedActivation), sizeof(int));
}

TEST(AbiTest, Fields) {
  EXPECT_EQ(offsetof(TfLiteTensor, params), 24u);
  EXPECT_EQ(offsetof(TfLiteTensor, buffer_handle), 72u);
  EXPECT_EQ(offsetof(TfLiteTensor, dims_signature), 104u);
  EXPECT_EQ(offsetof(TfLiteNode, might_have_side_effect), 72u);
  EXPECT_EQ(offsetof(TfLiteContext, ReplaceNodeSubsetsWithDelegateKernels), 64u);
  EXPECT_EQ(offsetof(TfLiteContext, allow_fp32_relax_to_fp16), 96u);
  EXPECT_EQ(offsetof(TfLiteContext, ReleaseSubgraphContext), 192u);
  EXPECT_EQ(offsetof(TfLiteConvParams, dilation_width_factor), 16u);
  EXPECT_EQ(offsetof(TfLitePoolParams, activation), 20u);
  EXPECT_EQ(offsetof(TfLiteReshapeParams, num_dimensions), 32u);
  EXPECT_EQ(offsetof(TfLiteSqueezeParams, num_squeeze_dims), 32u);
}

TEST(AbiTest, IntArray) {
  const IntArray array({3, 1, 4});
  EXPECT_EQ(array.get()->size, 3);
  EXPECT_EQ(items(array.get())[2], 4);
  EXPECT_TRUE(items(IntArray({}).get()).empty());
}

}  // namespace
}  // namespace patternlite::tflite
