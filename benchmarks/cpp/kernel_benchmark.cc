// Share of the FMA peak that each convolution kernel reaches on non-zero weights, per ISA, layer,
// structure of the weights and density: the numbers behind the engine's cost model.
//
//   kernel_benchmark --benchmark_filter='avx512/.*/density:8'
//
// Names: isa/layer/density/structure/kernel. `peak` is measured right before and after each layer,
// and the fastest repetition counts (thread CPU time), because machines are shared.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/pack/packed_convolution.h"
#include "engine/recognise/cost_model.h"
#include "engine/support/aligned.h"
#include "engine/support/fma_peak.h"
#include "engine/support/thread_pool.h"
#include "sparse_weights.h"
#include "thread_seconds.h"

namespace patternlite {
namespace {

struct Layer {
  const char* name;
  int channels, filters, size, stride = 1;  // size: of the output map
};
// ResNet-18 and VGG-16 at 224, and the slim ResNet-18 at 32.
constexpr Layer kLayers[] = {{"64x56", 64, 64, 56},
                             {"128x28", 128, 128, 28},
                             {"256x14", 256, 256, 14},
                             {"512x7", 512, 512, 7},
                             {"64x224", 64, 64, 224},
                             {"128x112", 128, 128, 112},
                             {"256x56", 256, 256, 56},
                             {"512x28", 512, 512, 28},
                             {"512x14", 512, 512, 14},
                             {"32x32", 32, 32, 32},
                             {"64x16", 64, 64, 16},
                             {"128x8", 128, 128, 8},
                             {"256x4", 256, 256, 4},
                             {"64-128x28s2", 64, 128, 28, 2},
                             {"128-256x14s2", 128, 256, 14, 2},
                             {"256-512x7s2", 256, 512, 7, 2}};

class LayerBench {
 public:
  LayerBench(const Layer& layer, int density, const Structure& structure)
      : weights_(sparse_weights(layer.filters, layer.channels, density, structure)),
        in_{{layer.channels, layer.size * layer.stride, layer.size * layer.stride}, 1},
        out_{{layer.filters, layer.size, layer.size}, 1},
        input_(in_.elements()),
        output_(out_.elements()) {
    const std::ptrdiff_t filter_stride = std::ptrdiff_t{9} * layer.channels;
    conv_ = {.window = {.kernel_h = 3,
                        .kernel_w = 3,
                        .stride_h = layer.stride,
                        .stride_w = layer.stride,
                        .pad_top = 1,
                        .pad_left = 1},
             .weights = {weights_.data(), filter_stride, 9, 3, 1},
             .activation = Activation::kRelu};
    fill_image();
  }

  // None when the kernel cannot run the layer.
  std::unique_ptr<PackedConvolution> pack(ConvKernel kernel,
                                          const kernels::KernelTable& table) const {
    const TapSets taps(conv_, out_.shape.channels, in_.shape.channels);
    if (!CostModel(conv_.window, in_, out_, table).runs(kernel)) return nullptr;
    const Choice choice{kernel, *group_filters(taps, group_size(kernel))};
    return PackedConvolution::pack({conv_, in_, out_}, taps, choice, table);
  }

  void run(const PackedConvolution& packed, Parallel& parallel) {
    packed.run(input_.data() + in_.lead(), nullptr, output_.data() + out_.lead(), parallel);
  }

  // Non-zero multiplications.
  double macs() const {
    const auto kept =
        std::count_if(weights_.begin(), weights_.end(), [](float w) { return w != 0; });
    return static_cast<double>(kept) * out_.shape.height * out_.shape.width;
  }

 private:
  void fill_image() {
    for (int c = 0; c < in_.shape.channels; ++c) {
      for (int y = 0; y < in_.shape.height; ++y) {
        for (int x = 0; x < in_.shape.width; ++x) {
          input_[in_.lead() + c * in_.plane() + y * in_.pitch() + x] = (c + y + x) % 7 * 0.1f;
        }
      }
    }
  }

  std::vector<float> weights_;
  Convolution conv_{};
  PlanarLayout in_, out_;
  AlignedVector<float> input_, output_;
};

void measure(benchmark::State& state, const kernels::KernelTable& table, LayerBench& bench,
             const PackedConvolution& packed) {
  const auto alone = make_thread_pool(1);
  double best = 1e9, peak = fma_peak(table.lanes);
  for (int i = 0; i < 3; ++i) bench.run(packed, *alone);  // warm caches
  for (auto _ : state) {
    const double start = thread_seconds();
    bench.run(packed, *alone);
    const double seconds = thread_seconds() - start;
    state.SetIterationTime(seconds);
    best = std::min(best, seconds);
  }
  peak = std::max(peak, fma_peak(table.lanes));
  state.counters["best_us"] = best * 1e6;
  state.counters["peak%"] = 100 * bench.macs() / best / peak;
}

void register_one(const kernels::KernelTable& table, const Layer& layer, int density,
                  const Structure& structure, const ConvKernelTraits& kernel) {
  const std::string name = std::string(table.isa) + "/" + layer.name +
                           "/density:" + std::to_string(density) + "/" + structure.name + "/" +
                           kernel.name;
  const auto body = [=, &table](benchmark::State& state) {
    LayerBench bench(layer, density, structure);
    const auto packed = bench.pack(kernel.kernel, table);
    if (packed == nullptr) return state.SkipWithError("not for this layer");
    measure(state, table, bench, *packed);
  };
  benchmark::RegisterBenchmark(name.c_str(), body)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

void register_all() {
  const kernels::KernelTables tables = kernels::available_kernels();
  for (int i = tables.count - 1; i >= 0; --i) {
    for (const Layer& layer : kLayers) {
      for (int density : {4, 8}) {
        for (const Structure& structure : kStructures) {
          const int group = structure.kind == Structure::kGroup ? structure.size : 1;
          for (const ConvKernelTraits& kernel : kConvKernels) {
            if (kernel.group > group) continue;  // it would multiply zeros
            register_one(*tables.table[i], layer, density, structure, kernel);
          }
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
