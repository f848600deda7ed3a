#include "engine/plan/plan_convolutions.h"

#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "engine/plan/candidates.h"
#include "engine/plan/choice_file.h"
#include "engine/plan/choice_memory.h"
#include "engine/plan/layer_key.h"
#include "engine/plan/try_candidates.h"

namespace patternlite {
namespace {

// The cost model may err by this factor: candidates that it considers slower are not tried.
constexpr double kTryWithin = 1.5;
constexpr std::size_t kMostCandidates = 3;

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
    if (keeps) read_file();
    choose();
    if (keeps) keep_choices();
    std::vector<PlannedConvolution> planned;
    for (LayerToPlan& layer : layers_) {
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

  void choose() {
    BudgetShare time(tuning_.budget.get(), tuning_.share);
    for_each_layer([&](LayerToPlan& layer) {
      layer.packed = PackedConvolution::pack_only_way(layer.conv, layer.analysis, kernels_);
      if (layer.packed) return;
      propose(layer, time.seconds() > 0 ? kTryWithin : 1);
      layer.packed = layer.pack(layer.candidates.front(), kernels_);
    });
    if (time.seconds() == 0) return;
    Tried tried = try_candidates(layers_, kernels_, time.seconds());
    time.use(tried.seconds);
    settled_ = std::move(tried.settled);
  }

  bool remembers() const { return tuning_.budget && tuning_.remember; }

  void read_file() {
    for_each_layer([&](LayerToPlan& layer) {
      layer.key = layer_key(machine_, layer.conv, layer.analysis.taps);
    });
    if (tuning_.directory.empty()) return;
    try {
      on_file_ = read_choices(path(), machine_);
      if (on_file_ && remembers()) remember_choices(*on_file_, kSettled);
    } catch (const std::runtime_error& error) {
      warn("ignores the kernel choices in " + path() + ": " + error.what());
    }
  }

  // A file takes precedence over what the process remembers, since it is the same for all
  // processes.
  std::optional<ConvKernel> known_choice(const LayerToPlan& layer) const {
    if (on_file_) {
      const auto found = on_file_->find(layer.key);
      if (found != on_file_->end()) return found->second;
    }
    return remembers() ? recall_choice(layer.key, tuning_.budget->whole()) : std::nullopt;
  }

  void propose(LayerToPlan& layer, double within) const {
    // A file may say anything, even name a kernel that cannot run here.
    const auto known = known_choice(layer);
    layer.known = known && layer.model.runs(*known);
    if (layer.known) {
      layer.candidates.push_back(candidate_of(*known, layer.analysis, layer.model));
      return;
    }
    layer.candidates = candidates(layer.analysis, layer.model, within);
    if (layer.candidates.size() > kMostCandidates) layer.candidates.resize(kMostCandidates);
  }

  // Also choices that were not tried, so that results are the same the next time.
  void keep_choices() {
    ChosenKernels choices = settled_, untried;
    for (const LayerToPlan& layer : layers_) {
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
    for (const LayerToPlan& layer : layers_) keys.insert(layer.key);
    return choice_file(tuning_.directory, keys);
  }

  void warn(const std::string& message) const {
    if (tuning_.warn) tuning_.warn(message);
  }

  const kernels::KernelTable& kernels_;
  Parallel& parallel_;
  const TuneOptions& tuning_;
  const std::string machine_;
  std::vector<LayerToPlan> layers_;
  ChosenKernels settled_;  // by trying
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
