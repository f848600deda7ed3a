// Programs take denormals for zero, whatever their callers do, and leave these as they were.
#include "engine/support/float_mode.h"

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/execute/program.h"
#include "engine/networks.h"
#include "engine/run_program.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

#if defined(__SSE__) || defined(__aarch64__)

namespace patternlite::test {
namespace {

constexpr Denormals kBoth[] = {Denormals::kKept, Denormals::kZero};

[[gnu::noinline]] Denormals denormals_here() {
  volatile float denormal = 1e-40f;
  return denormal * 1e10f == 0 ? Denormals::kZero : Denormals::kKept;
}

TEST(FloatMode, EndsWithItsBlock) {
  for (const Denormals outer : kBoth) {
    const ScopedFloatMode around(outer);
    for (const Denormals inner : kBoth) {
      try {
        const ScopedFloatMode mode(inner);
        EXPECT_EQ(denormals_here(), inner);
        throw std::runtime_error("");
      } catch (const std::runtime_error&) {
        EXPECT_EQ(denormals_here(), outer);
      }
    }
  }
}

// Each task waits for the other to have begun, so that a worker has one.
TEST(FloatMode, TasksHaveTheCallersAndWorkersNoneOfTheirOwn) {
  const auto pool = make_thread_pool(2);
  for (int round = 0; round < 6; ++round) {
    const Denormals callers = kBoth[round % 2];
    const ScopedFloatMode mode(callers);
    std::atomic<int> begun = 0, same = 0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    pool->run(2, [&](int) {
      ++begun;
      while (begun < 2 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
      same += denormals_here() == callers;
    });
    EXPECT_EQ(same, 2);
    EXPECT_EQ(denormals_here(), callers);
  }
}

// Some weights, sums and powers are denormal, and a scale is until another is folded in.
GraphBuilder denormal_network() {
  GraphBuilder b(1);
  TensorId x = b.conv(b.input({8, 14, 14}), 16, 3, 1, 1, kPattern, Activation::kRelu);
  x = b.conv(x, 16, 3, 1, 1, {}, Activation::kRelu);
  x = b.depthwise(x, 3, 1, 1, {.taps = 4});
  TensorId y = x;
  for (const float scale : {1e-40f, 1e38f}) {
    y = b.scale(y, std::vector<float>(16, scale), std::vector<float>(16), Activation::kNone);
  }
  b.graph.outputs = {b.conv(y, 16, 3, 2, 1, kPattern),
                     b.softmax(b.conv(b.mean(x), 400, 1, 1, 0, {}), 500)};
  for (Node& node : b.graph.nodes) {
    const auto* conv = std::get_if<Convolution>(&node.op);
    if (!conv) continue;
    for (int filter = 0; filter < 16; filter += 3) {
      const_cast<float*>(conv->bias)[filter] = 0;
      float* weights =
          const_cast<float*>(conv->weights.data) + filter * conv->weights.filter_stride;
      for (int i = 0; i < conv->weights.filter_stride; ++i) weights[i] *= 1e-40f;
    }
  }
  return b;
}

std::vector<std::uint32_t> bits_of_all(const std::vector<Image>& images) {
  std::vector<std::uint32_t> bits;
  for (const Image& image : images) {
    for (const float value : image.values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  }
  return bits;
}

TEST(FloatMode, ToProgramsDenormalsAreZero) {
  GraphBuilder b(1);
  b.graph.outputs = {b.scale(b.input({2, 3, 4}), {1e20f, 1e20f}, {0, 0}, Activation::kNone)};
  std::vector<Image> inputs{random_image({2, 3, 4}, b.random())};
  for (float& value : inputs[0].values) value = 1e-40f;
  const auto actual = run(*Program::compile(b.graph, {}), b.graph, inputs);
  for (const float value : actual[0].values) EXPECT_EQ(value, 0);
}

TEST(FloatMode, NeitherItNorThreadsMatterToPrograms) {
  GraphBuilder b = denormal_network();
  std::vector<Image> inputs{random_image({8, 14, 14}, b.random())};
  for (std::size_t i = 0; i < inputs[0].values.size(); i += 2) inputs[0].values[i] *= 1e-39f;
  for (const std::string& isa : available_isas()) {
    std::vector<std::uint32_t> first;
    for (const Denormals callers : kBoth) {
      const ScopedFloatMode mode(callers);
      for (const int threads : {1, 3}) {
        const auto program = Program::compile(
            b.graph, {.kernels = &kernels_named(isa), .parallel = make_thread_pool(threads)});
        const auto actual = bits_of_all(run(*program, b.graph, inputs));
        EXPECT_EQ(denormals_here(), callers);
        if (first.empty()) first = actual;
        EXPECT_TRUE(actual == first) << isa << ", " << threads << " threads";
      }
    }
  }
}

}  // namespace
}  // namespace patternlite::test

#endif
