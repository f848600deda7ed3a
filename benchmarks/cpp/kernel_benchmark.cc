// Share of the FMA peak that each convolution kernel reaches on non-zero weights, per ISA, layer
// and density: the numbers behind the engine's cost model.
//
//   kernel_benchmark --benchmark_filter='avx512/.*/density:8'
//
// Weights are random PatDNN patterns: 4 of 3x3 taps, 8 patterns, whole kernels dropped to reach the
// density; G filters share them. `peak` is measured right before and after each layer, and the
// fastest repetition counts (thread CPU time), because machines are shared.
#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/graph/planar.h"
#include "is_pack.h"
#include "kernels/kernels.h"
#include "peak.h"

namespace patternlite {
namespace {

using testing::IsKernel;

struct Layer {
  const char* name;
  int channels, size, stride = 1;
};
// ResNet-18 at 224 and its slim sibling at 32; filters = channels. Stride 2: output maps of `size`.
constexpr Layer kLayers[] = {{"64x56", 64, 56},   {"128x28", 128, 28},      {"256x14", 256, 14},
                             {"512x7", 512, 7},   {"32x32", 32, 32},        {"64x16", 64, 16},
                             {"128x8", 128, 8},   {"256x4", 256, 4},        {"64x32", 64, 32},
                             {"128x16", 128, 16}, {"128x28s2", 128, 28, 2}, {"128x8s2", 128, 8, 2}};

constexpr int kPatterns[8][4] = {{0, 1, 3, 4}, {1, 2, 4, 5}, {3, 4, 6, 7}, {4, 5, 7, 8},
                                 {1, 3, 4, 5}, {1, 4, 5, 7}, {3, 4, 5, 7}, {1, 3, 4, 7}};

// 64-byte aligned copy.
struct Aligned {
  explicit Aligned(std::size_t size, float fill = 0)
      : data(static_cast<float*>(std::aligned_alloc(64, (size * 4 + 63) / 64 * 64)), std::free) {
    std::fill(data.get(), data.get() + size, fill);
  }
  std::unique_ptr<float, void (*)(void*)> data;
};

class LayerBench {
 public:
  LayerBench(const kernels::KernelTable& table, const Layer& layer, int density)
      : table_(table), layer_(layer), keep_(9.0 / 4 / density) {
    in_ = {{layer.channels, layer.size * layer.stride, layer.size * layer.stride}, 1};
    out_ = {{layer.channels, layer.size, layer.size}, 1};
    input_ = Aligned(in_.elements(), 0.5f);
    output_ = Aligned(out_.elements());
    mask_.assign(out_.padded_positions(), 0);
    for (int p = 0; p < out_.positions(); ++p) mask_[p] = -(p % out_.pitch() < layer.size);
  }

  double macs() const { return 4.0 * kept_ * layer_.size * layer_.size; }

  void prepare_os(int filters_per_group) { make_stream(filters_per_group); }
  void run_os(int filters_per_group) {
    table_.conv_os[filters_per_group / 2]({input(), output(), stream(), epilogue(), mask_.data(), 0,
                                           layer_.channels / filters_per_group, 0,
                                           out_.padded_positions()});
  }

  void prepare_bc() { make_stream(16); }
  void run_bc() {
    table_.conv_bc16({input(), output(), stream(), epilogue(), layer_.stride * in_.pitch(),
                      layer_.stride, out_.pitch(), layer_.size, 0, layer_.channels / 16, 0,
                      layer_.size});
  }

  void prepare_is() {
    const int positions = layer_.size * layer_.size;
    tile_ = std::min(table_.is_positions, PlanarLayout::round_up(positions, table_.lanes));
    const int block = std::min(layer_.channels, table_.is_accumulators / tile_);
    std::vector<IsKernel> kernels;
    for (int f = 0; f < layer_.channels; ++f) {
      for (int c = 0; c < layer_.channels; ++c) {
        if (!chance(keep_)) continue;
        IsKernel kernel{f, c, {}, {0.1f, 0.2f, 0.3f, 0.4f}};
        std::copy_n(kPatterns[random_() % 8], 4, kernel.tap.begin());
        kernels.push_back(kernel);
      }
    }
    kept_ = static_cast<double>(kernels.size());
    packed_ = std::make_unique<testing::PackedIs>(kernels, layer_.channels, layer_.channels, 9,
                                                  block, tile_);
    for (int t = 0; t < 9; ++t) offset_.push_back((t / 3 - 1) * in_.pitch() + t % 3 - 1);
    make_planes();
    scratch_ = Aligned((kernels::kIsChannels * 9 + block) * tile_);
  }
  void run_is() {
    const kernels::IsStream stream{layer_.channels,
                                   in_.plane(),
                                   9,
                                   offset_.data(),
                                   packed_->words.data(),
                                   packed_->block_start.data(),
                                   packed_->record_count.data(),
                                   packed_->filter_start.data(),
                                   bias_.data.get(),
                                   plane_.data()};
    table_.conv_is({input(), output(), stream, epilogue(), scratch_.data.get(), tile_,
                    layer_.stride * in_.pitch(), layer_.stride, out_.pitch(), layer_.size, 0,
                    static_cast<int>(packed_->block_start.size()), 0, layer_.size * layer_.size});
  }

 private:
  bool chance(double p) { return std::bernoulli_distribution(p)(random_); }
  const float* input() const { return input_.data.get() + in_.lead(); }
  float* output() { return output_.data.get() + out_.lead(); }
  static kernels::Epilogue epilogue() {
    return {nullptr, 0, std::numeric_limits<float>::infinity()};
  }

  void make_planes() {
    bias_ = Aligned(layer_.channels, 0.1f);
    for (int f = 0; f < layer_.channels; ++f) plane_.push_back(static_cast<int>(f * out_.plane()));
  }

  void make_stream(int filters_per_group) {
    for (int g = 0; g < layer_.channels / filters_per_group; ++g) {
      for (int c = 0; c < layer_.channels; ++c) {
        if (!chance(keep_)) continue;
        for (int t : kPatterns[random_() % 8]) {
          offset_.push_back(static_cast<int>(c * in_.plane()) + (t / 3 - 1) * in_.pitch() + t % 3 -
                            1);
        }
        kept_ += filters_per_group;
      }
      start_.push_back(static_cast<std::int32_t>(offset_.size()));
    }
    weights_ = Aligned(offset_.size() * filters_per_group, 0.1f);
    make_planes();
  }
  kernels::TapStream stream() const {
    return {start_.data(), offset_.data(), weights_.data.get(), bias_.data.get(), plane_.data()};
  }

  const kernels::KernelTable& table_;
  Layer layer_;
  double keep_, kept_ = 0;
  std::mt19937 random_{7};
  PlanarLayout in_, out_;
  Aligned input_{0}, output_{0}, weights_{0}, bias_{0}, scratch_{0};
  std::vector<std::int32_t> mask_, start_{0}, offset_, plane_;
  std::unique_ptr<testing::PackedIs> packed_;
  int tile_ = 0;
};

double thread_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

template <class Run>
void measure(benchmark::State& state, const kernels::KernelTable& table, double macs,
             const Run& run) {
  double best = 1e9, peak = fma_peak(table.lanes);
  for (int i = 0; i < 3; ++i) run();  // warm caches
  for (auto _ : state) {
    const double start = thread_seconds();
    run();
    const double seconds = thread_seconds() - start;
    state.SetIterationTime(seconds);
    best = std::min(best, seconds);
  }
  peak = std::max(peak, fma_peak(table.lanes));
  state.counters["best_us"] = best * 1e6;
  state.counters["peak%"] = 100 * macs / best / peak;
}

using Prepare = void (*)(LayerBench&);
using Run = void (*)(LayerBench&);
struct Kernel {
  const char* name;
  bool strides;
  Prepare prepare;
  Run run;
};
const Kernel kKernels[] = {
    {"os-g1", false, [](LayerBench& b) { b.prepare_os(1); }, [](LayerBench& b) { b.run_os(1); }},
    {"os-g2", false, [](LayerBench& b) { b.prepare_os(2); }, [](LayerBench& b) { b.run_os(2); }},
    {"os-g4", false, [](LayerBench& b) { b.prepare_os(4); }, [](LayerBench& b) { b.run_os(4); }},
    {"bc-g16", true, [](LayerBench& b) { b.prepare_bc(); }, [](LayerBench& b) { b.run_bc(); }},
    {"is", true, [](LayerBench& b) { b.prepare_is(); }, [](LayerBench& b) { b.run_is(); }},
};

void register_all() {
  const kernels::KernelTables tables = kernels::available_kernels();
  for (int i = tables.count - 1; i >= 0; --i) {
    const kernels::KernelTable* table = tables.table[i];
    for (const Layer& layer : kLayers) {
      for (int density : {4, 8}) {
        for (const Kernel& kernel : kKernels) {
          if (layer.stride > 1 && !kernel.strides) continue;
          const std::string name = std::string(table->isa) + "/" + layer.name +
                                   "/density:" + std::to_string(density) + "/" + kernel.name;
          benchmark::RegisterBenchmark(name.c_str(),
                                       [=](benchmark::State& state) {
                                         LayerBench bench(*table, layer, density);
                                         kernel.prepare(bench);
                                         measure(state, *table, bench.macs(),
                                                 [&] { kernel.run(bench); });
                                       })
              ->UseManualTime()
              ->Unit(benchmark::kMicrosecond);
        }
      }
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
