// How models are told apart.
#include "tflite/model_graphs.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace patternlite::tflite {
namespace {

TEST(HashOfConstants, TellsModelsApartThatLieAtTheSameAddress) {
  std::vector<float> weights(100, 0.5f);
  TfLiteTensor tensor{};
  tensor.allocation_type = kTfLiteMmapRo;
  tensor.data.f = weights.data();
  tensor.bytes = weights.size() * sizeof(float);
  TfLiteContext graph{};
  graph.tensors = &tensor;
  graph.tensors_size = 1;

  const std::uint64_t first = hash_of_constants(graph);
  EXPECT_EQ(hash_of_constants(graph), first);
  weights[3] = 0.25f;
  EXPECT_NE(hash_of_constants(graph), first);
}

}  // namespace
}  // namespace patternlite::tflite
