// Depthwise convolutions and fully connected layers: bound by loads, not by multiplications. The
// numbers behind their part of the engine's cost model.
//
//   memory_bound_benchmark --benchmark_filter=avx512
//
// Names: isa/layer/kept. Kept: weights of each 3x3 kernel, or percent of the matrix. Per layer the
// fastest run (thread CPU time), and what it costs in multiply-adds at the core's peak: for each
// position and channel, or for each weight that is kept.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/plan/plan_convolutions.h"
#include "engine/support/aligned.h"
#include "engine/support/fma_peak.h"
#include "engine/support/thread_pool.h"
#include "thread_seconds.h"

namespace patternlite {
namespace {

// One layer with random weights, of which `kept` of `of` stay.
struct Layer {
  std::string name;
  Shape input, output;
  Window window;
  bool depthwise;
  int kept, of;
};

// MobileNetV2's depthwise layers and the fully connected ones of VGG-16, MobileNetV2 and ResNet-18.
std::vector<Layer> layers() {
  std::vector<Layer> all;
  const struct {
    int channels, size, stride;
  } planes[] = {{32, 112, 1}, {96, 112, 2}, {144, 56, 1}, {144, 56, 2}, {192, 28, 1},
                {192, 28, 2}, {384, 14, 1}, {576, 14, 2}, {960, 7, 1}};
  for (const auto& p : planes) {
    for (const int kept : {9, 4}) {
      const int size = p.size / p.stride;
      all.push_back({.name = "depthwise" + std::to_string(p.channels) + "x" +
                             std::to_string(p.size) + "s" + std::to_string(p.stride),
                     .input = {p.channels, p.size, p.size},
                     .output = {p.channels, size, size},
                     .window = {.kernel_h = 3,
                                .kernel_w = 3,
                                .stride_h = p.stride,
                                .stride_w = p.stride,
                                .pad_top = 1,
                                .pad_left = 1},
                     .depthwise = true,
                     .kept = kept,
                     .of = 9});
    }
  }
  const struct {
    Shape input;
    int units;
  } matrices[] = {{{512, 7, 7}, 4096},
                  {{4096, 1, 1}, 4096},
                  {{4096, 1, 1}, 1000},
                  {{1280, 1, 1}, 1000},
                  {{512, 1, 1}, 1000}};
  for (const auto& m : matrices) {
    for (const int kept : {100, 50, 30, 10}) {
      all.push_back(
          {.name = "fc" + std::to_string(m.input.elements()) + "x" + std::to_string(m.units),
           .input = m.input,
           .output = {m.units, 1, 1},
           .window = {.kernel_h = m.input.height, .kernel_w = m.input.width},
           .depthwise = false,
           .kept = kept,
           .of = 100});
    }
  }
  return all;
}

void run(benchmark::State& state, const kernels::KernelTable& table, const Layer& layer) {
  std::mt19937 random(1);
  const int area = layer.window.kernel_h * layer.window.kernel_w;
  const int channels = layer.depthwise ? 1 : layer.input.channels;
  std::vector<float> weights(static_cast<std::size_t>(layer.output.channels) * area * channels);
  std::size_t kept = 0;
  for (float& weight : weights) {
    if (static_cast<int>(random() % layer.of) >= layer.kept) continue;
    weight = 0.01f;
    ++kept;
  }
  const Convolution conv{.window = layer.window,
                         .weights = {.data = weights.data(),
                                     .filter_stride = std::ptrdiff_t{area} * channels,
                                     .channel_stride = 1,
                                     .row_stride = std::ptrdiff_t{layer.window.kernel_w} * channels,
                                     .column_stride = channels,
                                     .lasting = true},
                         .activation = Activation::kRelu6,
                         .depthwise = layer.depthwise};
  const int border = required_border(layer.window, layer.input, layer.output);
  const PlanarLayout in{layer.input, border}, out{layer.output, border};
  AlignedVector<float> input(in.elements(), 0.5f), output(out.elements());
  const auto alone = make_thread_pool(1);
  const Analysis analysis(conv, layer.input, layer.output);
  const auto packed =
      std::move(plan_convolutions({{{conv, in, out}, &analysis}}, table, *alone, {})[0].packed);
  double best = 1e9, peak = fma_peak(table.lanes);
  for (auto _ : state) {
    const double start = thread_seconds();
    packed->run(input.data() + in.lead(), nullptr, output.data() + out.lead(), *alone);
    const double seconds = thread_seconds() - start;
    state.SetIterationTime(seconds);
    best = std::min(best, seconds);
  }
  peak = std::max(peak, fma_peak(table.lanes));
  state.counters["best_us"] = best * 1e6;
  state.counters["cost"] = best * peak / (layer.depthwise ? layer.output.elements() : kept);
  state.SetLabel(packed->kernel_name());
}

void register_all() {
  const kernels::KernelTables tables = kernels::available_kernels();
  for (int i = tables.count - 1; i >= 0; --i) {
    const kernels::KernelTable& table = *tables.table[i];
    for (const Layer& layer : layers()) {
      const std::string name =
          std::string(table.isa) + "/" + layer.name + "/kept:" + std::to_string(layer.kept);
      benchmark::RegisterBenchmark(
          name.c_str(), [&table, layer](benchmark::State& state) { run(state, table, layer); })
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace
}  // namespace patternlite

int main(int argc, char** argv) {
  patternlite::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
