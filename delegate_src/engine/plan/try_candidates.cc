#include "engine/plan/try_candidates.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <new>
#include <optional>
#include <set>
#include <utility>

#include "engine/plan/trial.h"
#include "engine/support/fastest.h"
#include "engine/support/thread_pool.h"

namespace patternlite {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class CandidateTrials {
 public:
  CandidateTrials(std::vector<LayerToPlan>& layers, const kernels::KernelTable& kernels)
      : layers_(layers), kernels_(kernels) {}

  // Each layer gets a share of the remaining time in proportion to its run time.
  Tried run(double seconds) {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<LayerToPlan*> all = to_be_tried();
    if (all.empty()) return {};
    const auto cost = [](const LayerToPlan* layer) { return layer->candidates[0].cost; };
    double expected = 0;
    for (const LayerToPlan* layer : all) expected += cost(layer);
    try {
      LayerToPlan& cheapest = **std::ranges::min_element(all, {}, cost);
      for (int run = 0; run < 2; ++run) run_first(cheapest);  // the first one warms up
      for (LayerToPlan* layer : all) {
        const double own = cost(layer);
        const double share = (seconds - seconds_since(start)) * own / expected;
        // Fewer than two runs say nothing: leave the time to other layers.
        if (2 * own * pace_ < share) settle(*layer, share);
        expected -= own;
      }
      for (LayerToPlan& layer : layers_) follow_twin(layer);
    } catch (const std::bad_alloc&) {
      // Only trying needs this memory: go on as if the time were up.
    }
    return {std::move(settled_), seconds_since(start)};
  }

 private:
  // Layers that are alike in everything that matters are tried once.
  std::vector<LayerToPlan*> to_be_tried() {
    std::vector<LayerToPlan*> all;
    std::set<std::uint64_t> keys;
    for (LayerToPlan& layer : layers_) {
      if (layer.candidates.size() < 2 || layer.candidates[0].cost == 0) continue;
      if (keys.insert(layer.key).second) all.push_back(&layer);
    }
    return all;
  }

  // Seconds of one run with the first candidate.
  double run_first(const LayerToPlan& layer) {
    const double took = trial_.run(layer.conv, *layer.packed);
    pace_ = std::min(pace_, took / layer.candidates[0].cost);
    return took;
  }

  void settle(LayerToPlan& layer, double seconds) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::unique_ptr<PackedConvolution>> others;
    for (std::size_t i = 1; i < layer.candidates.size(); ++i) {
      if (seconds_since(start) > seconds / 2) break;  // the rest is for timing
      others.push_back(layer.pack(layer.candidates[i], kernels_));
    }
    const std::optional<int> best =
        fastest(static_cast<int>(others.size()) + 1, seconds - seconds_since(start), [&](int way) {
          return way == 0 ? run_first(layer) : trial_.run(layer.conv, *others[way - 1]);
        });
    if (!best) return;
    if (*best != 0) {
      layer.packed = std::move(others[*best - 1]);
      std::swap(layer.candidates[0], layer.candidates[*best]);
    }
    settled_[layer.key] = layer.candidates[0].choice.kernel;
  }

  void follow_twin(LayerToPlan& layer) {
    const auto twin = settled_.find(layer.key);
    if (twin == settled_.end()) return;
    const auto same = std::ranges::find(layer.candidates, twin->second,
                                        [](const Candidate& c) { return c.choice.kernel; });
    if (same == layer.candidates.end() || same == layer.candidates.begin()) return;
    layer.packed = layer.pack(*same, kernels_);
    std::swap(layer.candidates[0], *same);
  }

  std::vector<LayerToPlan>& layers_;
  const kernels::KernelTable& kernels_;
  const std::shared_ptr<Parallel> alone_ = make_thread_pool(1);
  Trial trial_{*alone_};
  double pace_ = std::numeric_limits<double>::infinity();  // seconds of a run for a unit of cost
  ChosenKernels settled_;
};

}  // namespace

Tried try_candidates(std::vector<LayerToPlan>& layers, const kernels::KernelTable& kernels,
                     double seconds) {
  return CandidateTrials(layers, kernels).run(seconds);
}

}  // namespace patternlite
