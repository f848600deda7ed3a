#include "engine/execute/program.h"

#include <utility>

#include "engine/execute/steps.h"
#include "engine/graph/rewrite.h"
#include "engine/plan/memory_plan.h"
#include "engine/support/aligned.h"
#include "engine/support/float_mode.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace patternlite {
namespace {

// Strided depthwise layers take this many times as long for a multiplication as others of few.
constexpr double kStridedDepthwiseCost = 8;

class CompiledProgram final : public Program {
 public:
  CompiledProgram(const Graph& source, const Verdict& verdict, const CompileOptions& options,
                  const kernels::KernelTable& kernels)
      : parallel_(options.parallel ? options.parallel : make_thread_pool(1)),
        layers_(verdict.layers),
        least_shared_(options.least_shared) {
    const Graph graph = rewrite(source);
    plan_ = plan_memory(graph);
    const std::vector<int> number = number_convolutions(graph);
    std::vector<PlannedConvolution> planned =
        plan_convolutions(in_planar(graph, verdict), kernels, *parallel_, options.tuning);
    const auto packed = [&](int node) -> const PackedConvolution* {
      return number[node] < 0 ? nullptr : planned[number[node]].packed.get();
    };
    const auto chains =
        find_chains(graph, plan_.layouts, packed, parallel_->threads(), options.chains);
    if (!chains.empty()) {
      plan_ = plan_memory(graph, chains);
      pack_again(chains, number, in_planar(graph, verdict), kernels, planned);
    }
    for (std::size_t i = 0; i < planned.size(); ++i) {
      layers_[i].kernel = planned[i].packed->kernel_name();
      layers_[i].weight_bytes = planned[i].packed->weight_bytes();
    }
    allocate();
    for (TensorId id : graph.inputs) {
      inputs_.push_back(make_input_step(plan_.layouts[id], tensor(id), kernels));
    }
    add_steps(graph, chains, number, planned, kernels);
    for (TensorId id : graph.outputs) {
      outputs_.push_back(make_output_step(plan_.layouts[id], tensor(id), kernels));
    }
  }

  void run(std::span<const float* const> inputs, std::span<float* const> outputs) override {
    const ScopedFloatMode mode(Denormals::kZero);
    for (std::size_t i = 0; i < inputs_.size(); ++i) inputs_[i]->run(inputs[i], *parallel_);
    for (const auto& [step, threads] : steps_) step->run(*threads);
    for (std::size_t i = 0; i < outputs_.size(); ++i) outputs_[i]->run(outputs[i], *parallel_);
  }

  const std::vector<LayerReport>& layers() const override { return layers_; }

  std::size_t activation_bytes() const override { return plan_.bytes(); }

  std::size_t weight_bytes() const override {
    std::size_t bytes = 0;
    for (const auto& scheduled : steps_) bytes += scheduled.step->weight_bytes();
    return bytes;
  }

 private:
  void allocate() {
    for (const std::size_t floats : plan_.slots) slots_.emplace_back(floats);
    for (const std::size_t floats : plan_.scratch) scratch_.emplace_back(floats);
  }

  void add_steps(const Graph& graph, const std::vector<Chain>& chains,
                 const std::vector<int>& number, std::vector<PlannedConvolution>& planned,
                 const kernels::KernelTable& kernels) {
    const auto add = [this](std::unique_ptr<Step> step, bool shared = true) {
      steps_.push_back({std::move(step), shared ? parallel_.get() : alone_.get()});
    };
    const TensorMemory memory{plan_.layouts, [this](TensorId id) { return tensor(id); }};
    std::vector<float*> scratch;
    for (auto& share : scratch_) scratch.push_back(share.data());
    std::vector<ChainLink> links;
    auto chain = chains.begin();
    for (int i = 0; i < static_cast<int>(graph.nodes.size()); ++i) {
      const Node& node = graph.nodes[i];
      const auto* conv = std::get_if<Convolution>(&node.op);
      if (const TensorId id = plan_.clears[i]; id != kNoTensor) {
        const bool whole = conv && conv->output == id;
        const Borders which = whole ? not_written_by(*planned[number[i]].packed) : Borders::kAll;
        add(make_clear_step(id, memory, which));
      }
      if (conv == nullptr) {
        add(make_step(node, memory, kernels));
        continue;
      }
      auto& packed_conv = planned[number[i]].packed;
      if (chain == chains.end() || i < chain->first) {
        add(make_convolution_step(*conv, memory, std::move(packed_conv)),
            is_shared(graph, number, i, i));
        continue;
      }
      links.push_back({*conv, std::move(packed_conv)});
      if (i < chain->last()) continue;
      add(make_chain_step(*chain, std::exchange(links, {}), memory, scratch),
          is_shared(graph, number, chain->first, i));
      ++chain;
    }
  }

  // Whether threads share a step of these nodes, which are convolutions.
  bool is_shared(const Graph& graph, const std::vector<int>& number, int first, int last) const {
    double macs = 0;
    for (int i = first; i <= last; ++i) {
      const LayerReport& layer = layers_[number[i]];
      // It waits for its weights, and knows by itself how many are worth sharing.
      if (layer.kind == "fc") return true;
      const auto& conv = std::get<Convolution>(graph.nodes[i].op);
      const bool strided_depthwise = conv.depthwise && conv.window.strided();
      macs += layer.kept_macs * (strided_depthwise ? kStridedDepthwiseCost : 1);
    }
    return macs >= least_shared_;
  }

  // Row 0, column 0 of channel 0.
  float* tensor(TensorId id) { return slots_[plan_.slot[id]].data() + plan_.origin(id); }

  // For each node, which convolution it is; -1: none. Rewrites keep all of them, in their order.
  static std::vector<int> number_convolutions(const Graph& graph) {
    std::vector<int> numbers;
    int next = 0;
    for (const Node& node : graph.nodes) {
      numbers.push_back(std::holds_alternative<Convolution>(node.op) ? next++ : -1);
    }
    return numbers;
  }

  // Convolutions that read or write windows have other planes.
  static void pack_again(const std::vector<Chain>& chains, const std::vector<int>& number,
                         const std::vector<ConvolutionToPlan>& convolutions,
                         const kernels::KernelTable& kernels,
                         std::vector<PlannedConvolution>& planned) {
    for (const Chain& chain : chains) {
      for (int i = chain.first; i <= chain.last(); ++i) {
        auto& [packed, choice] = planned[number[i]];
        packed = patternlite::pack_again(convolutions[number[i]], choice, kernels);
      }
    }
  }

  std::vector<ConvolutionToPlan> in_planar(const Graph& graph, const Verdict& verdict) const {
    std::vector<ConvolutionToPlan> all;
    for (const Node& node : graph.nodes) {
      const auto* conv = std::get_if<Convolution>(&node.op);
      if (conv == nullptr) continue;
      all.push_back({planar_convolution(*conv, plan_.layouts), &verdict.analyses.at(all.size())});
    }
    return all;
  }

  struct Scheduled {
    std::unique_ptr<Step> step;
    Parallel* threads;
  };

  const std::shared_ptr<Parallel> parallel_, alone_ = make_thread_pool(1);
  MemoryPlan plan_;
  std::vector<AlignedVector<float>> slots_;
  std::vector<AlignedVector<float>> scratch_;  // of each thread, for the windows of chains
  std::vector<std::unique_ptr<InputStep>> inputs_;
  std::vector<Scheduled> steps_;
  std::vector<std::unique_ptr<OutputStep>> outputs_;
  std::vector<LayerReport> layers_;
  const double least_shared_;
};

}  // namespace

std::unique_ptr<Program> Program::compile(const Graph& graph, const CompileOptions& options) {
  validate(graph);
  return compile(graph, judge(graph, options.kernels ? *options.kernels : best_kernels()), options);
}

std::unique_ptr<Program> Program::compile(const Graph& graph, const Verdict& verdict,
                                          const CompileOptions& options) {
  validate(graph);
  const ScopedFloatMode mode(Denormals::kKept);  // weights do not depend on the caller's mode
  return std::make_unique<CompiledProgram>(graph, verdict, options,
                                           options.kernels ? *options.kernels : best_kernels());
}

}  // namespace patternlite
