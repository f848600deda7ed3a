#include "engine/plan/plan_convolutions.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <utility>

#include "engine/plan/candidates.h"
#include "engine/plan/choice_file.h"
#include "engine/plan/choice_memory.h"
#include "engine/plan/layer_key.h"
#include "engine/plan/trial.h"
#include "engine/support/fastest.h"
#include "engine/support/thread_pool.h"

namespace patternlite {
namespace {

// The cost model may err by this factor: what it holds for slower than that is not tried.
constexpr double kTryWithin = 1.5;
constexpr std::size_t kMostCandidates = 3;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Layer {
  const PlanarConvolution& conv;
  const Analysis& analysis;
  CostModel model;
  std::uint64_t key = 0;
  std::vector<Candidate> candidates{};  // what is packed first; more: to be tried
  std::unique_ptr<PackedConvolution> packed{};
};

class Planner {
 public:
  Planner(const std::vector<ConvolutionToPlan>& convolutions, const kernels::KernelTable& kernels,
          Parallel& parallel, const TuneOptions& tuning)
      : kernels_(kernels), parallel_(parallel), tuning_(tuning), machine_(machine_name(kernels)) {
    for (const auto& [conv, analysis] : convolutions) {
      check(conv);
      layers_.push_back(
          {conv, *analysis, CostModel(conv.op.window, conv.input, conv.output, kernels)});
    }
  }

  std::vector<PlannedConvolution> run() {
    const bool tune = tuning_.budget != nullptr;
    if (tune) read_file();
    for_each_layer([&](Layer& layer) {
      layer.packed = PackedConvolution::pack_only_way(layer.conv, layer.analysis, kernels_);
      if (layer.packed) return;
      propose(layer, tune ? kTryWithin : 1);
      layer.packed = pack(layer, layer.candidates.front());
    });
    if (tune) {
      try_candidates();
      keep_choices();
    }
    std::vector<PlannedConvolution> planned;
    for (Layer& layer : layers_) {
      planned.push_back({std::move(layer.packed), {}});
      if (!layer.candidates.empty()) planned.back().choice = layer.candidates[0].choice;
    }
    return planned;
  }

 private:
  template <typename Body>
  void for_each_layer(const Body& body) {
    parallel_.run(static_cast<int>(layers_.size()), [&](int i) { body(layers_[i]); });
  }

  // What it says goes before what the process remembers: it is the same for all processes.
  void read_file() {
    for_each_layer(
        [&](Layer& layer) { layer.key = layer_key(machine_, layer.conv, layer.analysis.taps); });
    if (tuning_.directory.empty()) return;
    try {
      on_file_ = read_choices(path(), machine_);
      if (on_file_) remember_choices(*on_file_);
    } catch (const std::runtime_error& error) {
      warn("ignores the kernel choices in " + path() + ": " + error.what());
    }
  }

  void propose(Layer& layer, double within) const {
    if (within > 1) {
      // A file may say anything, also a kernel that does not run here.
      const auto known = recall_choice(layer.key);
      if (known && layer.model.runs(*known)) {
        layer.candidates.push_back(candidate_of(*known, layer.analysis, layer.model));
        return;
      }
    }
    layer.candidates = candidates(layer.analysis, layer.model, within);
    if (layer.candidates.size() > kMostCandidates) layer.candidates.resize(kMostCandidates);
  }

  std::unique_ptr<PackedConvolution> pack(const Layer& layer, const Candidate& candidate) const {
    return PackedConvolution::pack(layer.conv, layer.analysis.taps, candidate.choice, kernels_);
  }

  // Each layer gets of the time that is left what its run time is of those still to be tried.
  void try_candidates() {
    const auto start = std::chrono::steady_clock::now();
    const double seconds = tuning_.budget->take(tuning_.share);
    double expected = 0;
    for (const Layer& layer : layers_)
      expected += to_be_tried(layer) ? layer.candidates[0].cost : 0;
    for (Layer& layer : layers_) {
      if (!to_be_tried(layer)) continue;
      const double cost = layer.candidates[0].cost;
      const double left = seconds - seconds_since(start);
      if (left > 0 && !settled_by_twin(layer)) settle(layer, left * cost / expected);
      expected -= cost;
    }
    tuning_.budget->give_back(std::max(seconds - seconds_since(start), 0.0));
  }

  static bool to_be_tried(const Layer& layer) { return layer.candidates.size() > 1; }

  void settle(Layer& layer, double seconds) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::unique_ptr<PackedConvolution>> packed;
    packed.push_back(std::move(layer.packed));
    for (std::size_t i = 1; i < layer.candidates.size(); ++i) {
      if (seconds_since(start) > seconds / 2) break;  // the rest is for timing
      packed.push_back(pack(layer, layer.candidates[i]));
    }
    const int best = fastest(static_cast<int>(packed.size()), seconds - seconds_since(start),
                             [&](int way) { return trial_.run(layer.conv, *packed[way]); });
    layer.packed = std::move(packed[best]);
    if (best != 0) std::swap(layer.candidates[0], layer.candidates[best]);
    settled_[layer.key] = layer.candidates[0].choice.kernel;
  }

  // Layers that are alike in all that matters are tried once.
  bool settled_by_twin(Layer& layer) {
    const auto twin = settled_.find(layer.key);
    if (twin == settled_.end()) return false;
    const auto same = std::ranges::find(layer.candidates, twin->second,
                                        [](const Candidate& c) { return c.choice.kernel; });
    if (same == layer.candidates.end()) return false;
    if (same == layer.candidates.begin()) return true;
    layer.packed = pack(layer, *same);
    std::swap(layer.candidates[0], *same);
    return true;
  }

  // Also what was not tried: the next time brings the same results.
  void keep_choices() {
    ChosenKernels choices;
    for (const Layer& layer : layers_) {
      if (layer.candidates.empty()) continue;  // there was no choice
      choices[layer.key] = layer.candidates[0].choice.kernel;
    }
    remember_choices(choices);
    if (tuning_.directory.empty() || choices.empty() || on_file_ == choices) return;
    try {
      write_choices(path(), machine_, choices);
    } catch (const std::runtime_error& error) {
      warn("cannot keep kernel choices in " + path() + ": " + error.what());
    }
  }

  std::string path() const {
    ChosenKernels keys;
    for (const Layer& layer : layers_) keys[layer.key] = {};
    return choice_file(tuning_.directory, keys);
  }

  void warn(const std::string& message) const {
    if (tuning_.warn) tuning_.warn(message);
  }

  const kernels::KernelTable& kernels_;
  Parallel& parallel_;
  const TuneOptions& tuning_;
  const std::string machine_;
  std::vector<Layer> layers_;
  const std::shared_ptr<Parallel> alone_ = make_thread_pool(1);
  Trial trial_{*alone_};
  ChosenKernels settled_;
  std::optional<ChosenKernels> on_file_;
};

}  // namespace

std::vector<PlannedConvolution> plan_convolutions(
    const std::vector<ConvolutionToPlan>& convolutions, const kernels::KernelTable& kernels,
    Parallel& parallel, const TuneOptions& tuning) {
  return Planner(convolutions, kernels, parallel, tuning).run();
}

std::unique_ptr<PackedConvolution> pack_again(const ConvolutionToPlan& convolution,
                                              const std::optional<Choice>& choice,
                                              const kernels::KernelTable& kernels) {
  const auto& [conv, analysis] = convolution;
  return choice ? PackedConvolution::pack(conv, analysis->taps, *choice, kernels)
                : PackedConvolution::pack_only_way(conv, *analysis, kernels);
}

}  // namespace patternlite
