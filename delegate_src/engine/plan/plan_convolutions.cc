#include "engine/plan/plan_convolutions.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <new>
#include <optional>
#include <set>
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
  bool known = false;                   // from a file, or chosen before
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
    const bool keeps = tuning_.budget || !tuning_.directory.empty();
    const double seconds = tuning_.budget ? tuning_.budget->take(tuning_.share) : 0;
    if (keeps) read_file();
    for_each_layer([&](Layer& layer) {
      layer.packed = PackedConvolution::pack_only_way(layer.conv, layer.analysis, kernels_);
      if (layer.packed) return;
      propose(layer, seconds > 0 ? kTryWithin : 1);
      layer.packed = pack(layer, layer.candidates.front());
    });
    if (seconds > 0) tuning_.budget->give_back(seconds - try_candidates(seconds));
    if (keeps) keep_choices();
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

  bool remembers() const { return tuning_.budget && tuning_.remember; }

  void read_file() {
    for_each_layer(
        [&](Layer& layer) { layer.key = layer_key(machine_, layer.conv, layer.analysis.taps); });
    if (tuning_.directory.empty()) return;
    try {
      on_file_ = read_choices(path(), machine_);
      if (on_file_ && remembers()) remember_choices(*on_file_, kSettled);
    } catch (const std::runtime_error& error) {
      warn("ignores the kernel choices in " + path() + ": " + error.what());
    }
  }

  // What a file says goes before what the process remembers: it is the same for all processes.
  std::optional<ConvKernel> known_choice(const Layer& layer) const {
    if (on_file_) {
      const auto found = on_file_->find(layer.key);
      if (found != on_file_->end()) return found->second;
    }
    return remembers() ? recall_choice(layer.key, tuning_.budget->whole()) : std::nullopt;
  }

  void propose(Layer& layer, double within) const {
    // A file may say anything, also a kernel that does not run here.
    const auto known = known_choice(layer);
    layer.known = known && layer.model.runs(*known);
    if (layer.known) {
      layer.candidates.push_back(candidate_of(*known, layer.analysis, layer.model));
      return;
    }
    layer.candidates = candidates(layer.analysis, layer.model, within);
    if (layer.candidates.size() > kMostCandidates) layer.candidates.resize(kMostCandidates);
  }

  std::unique_ptr<PackedConvolution> pack(const Layer& layer, const Candidate& candidate) const {
    return PackedConvolution::pack(layer.conv, layer.analysis.taps, candidate.choice, kernels_);
  }

  // Returns the seconds it took. Each layer gets of the time that is left what its run time is of
  // those still to be tried.
  double try_candidates(double seconds) {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<Layer*> all = to_be_tried();
    if (all.empty()) return 0;
    const auto cost = [](const Layer* layer) { return layer->candidates[0].cost; };
    double expected = 0;
    for (const Layer* layer : all) expected += cost(layer);
    try {
      Layer& cheapest = **std::ranges::min_element(all, {}, cost);
      for (int run = 0; run < 2; ++run) run_first(cheapest);  // the first one warms up
      for (Layer* layer : all) {
        const double own = cost(layer);
        const double share = (seconds - seconds_since(start)) * own / expected;
        // Fewer than two runs tell nothing: others may have the time.
        if (2 * own * pace_ < share) settle(*layer, share);
        expected -= own;
      }
      for (Layer& layer : layers_) follow_twin(layer);
    } catch (const std::bad_alloc&) {
      // Only trying needs this memory: the model goes on as when the time is out.
    }
    return seconds_since(start);
  }

  // Layers that are alike in all that matters are tried once.
  std::vector<Layer*> to_be_tried() {
    std::vector<Layer*> all;
    std::set<std::uint64_t> keys;
    for (Layer& layer : layers_) {
      if (layer.candidates.size() < 2 || layer.candidates[0].cost == 0) continue;
      if (keys.insert(layer.key).second) all.push_back(&layer);
    }
    return all;
  }

  // In the kernel of the first candidate.
  double run_first(const Layer& layer) {
    const double took = trial_.run(layer.conv, *layer.packed);
    pace_ = std::min(pace_, took / layer.candidates[0].cost);
    return took;
  }

  void settle(Layer& layer, double seconds) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::unique_ptr<PackedConvolution>> others;
    for (std::size_t i = 1; i < layer.candidates.size(); ++i) {
      if (seconds_since(start) > seconds / 2) break;  // the rest is for timing
      others.push_back(pack(layer, layer.candidates[i]));
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

  void follow_twin(Layer& layer) {
    const auto twin = settled_.find(layer.key);
    if (twin == settled_.end()) return;
    const auto same = std::ranges::find(layer.candidates, twin->second,
                                        [](const Candidate& c) { return c.choice.kernel; });
    if (same == layer.candidates.end() || same == layer.candidates.begin()) return;
    layer.packed = pack(layer, *same);
    std::swap(layer.candidates[0], *same);
  }

  // Also what was not tried: the next time brings the same results.
  void keep_choices() {
    ChosenKernels choices = settled_, untried;
    for (const Layer& layer : layers_) {
      if (layer.candidates.empty()) continue;  // there was no choice
      const ConvKernel kernel = layer.candidates[0].choice.kernel;
      if (choices.try_emplace(layer.key, kernel).second && !layer.known) {
        untried[layer.key] = kernel;
      }
    }
    if (remembers()) {
      remember_choices(untried, tuning_.budget->whole());
      remember_choices(settled_, kSettled);
    }
    if (tuning_.directory.empty() || choices.empty() || on_file_ == choices) return;
    try {
      write_choices(path(), machine_, choices);
    } catch (const std::runtime_error& error) {
      warn("cannot keep kernel choices in " + path() + ": " + error.what());
    }
  }

  std::string path() const {
    std::set<std::uint64_t> keys;
    for (const Layer& layer : layers_) keys.insert(layer.key);
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
  double pace_ = std::numeric_limits<double>::infinity();  // seconds of a run for a unit of cost
  ChosenKernels settled_;                                  // by trying
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
