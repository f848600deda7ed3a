// What packing takes of memory beside what it makes.
#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "engine/pack/fully_connected.h"
#include "engine/pack/position_mask.h"
#include "engine/support/isa.h"

namespace patternlite::test {
namespace {

// Of this process: "VmRSS", what it has, or "VmHWM", the most that it had.
std::size_t resident_bytes(const std::string& which) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(which + ":")) continue;
    std::size_t kilobytes = 0;
    std::istringstream(line.substr(which.size() + 1)) >> kilobytes;
    return kilobytes * 1024;
  }
  return 0;
}

// Whether "VmHWM" counts from here.
bool forget_the_most() {
  std::ofstream file("/proc/self/clear_refs");
  return static_cast<bool>(file << 5 << std::flush);
}

// A network's first such layer may be most of its weights. MNN's lie channel by channel.
TEST(PackingMemory, FullyConnectedWeightsAreNotAllThereTwice) {
  const Shape shape{1024, 4, 4};
  const int units = 1024, columns = static_cast<int>(shape.elements());
  std::vector<float> weights(static_cast<std::size_t>(units) * columns);
  for (std::size_t i = 0; i < weights.size(); i += 32) weights[i] = 1;
  const Convolution conv{.input = 0,
                         .output = 1,
                         .window = {.kernel_h = 4, .kernel_w = 4},
                         .weights = {.data = weights.data(),
                                     .filter_stride = columns,
                                     .channel_stride = 16,
                                     .row_stride = 4,
                                     .column_stride = 1}};
  const PlanarLayout in{shape, 0}, out{{units, 1, 1}, 0};
  const Analysis analysis(conv, in.shape, out.shape);
  if (!forget_the_most()) GTEST_SKIP() << "the system does not tell";
  const std::size_t before = resident_bytes("VmRSS");
  const auto packed = pack_fully_connected(conv, analysis.sparsity, in, out, best_kernels());
  EXPECT_EQ(packed->kernel_name(), "fc-sparse");
  EXPECT_LT(resident_bytes("VmHWM"), before + weights.size() * sizeof(float));
}

// Masks of sizes that no convolution has any more: a process may see many.
TEST(PackingMemory, SizesOfThePastAreForgotten) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer keeps memory that was freed";
#endif
  const auto see = [](int from, int to) {
    for (int height = from; height < to; ++height) {
      for (int width = 1; width <= 200; ++width) position_mask({{1, height, width}, 1});
    }
  };
  see(1, 20);
  const std::size_t before = resident_bytes("VmRSS");
  see(20, 120);
  EXPECT_LT(resident_bytes("VmRSS"), before + (1 << 20));
}

}  // namespace
}  // namespace patternlite::test
