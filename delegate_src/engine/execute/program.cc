#include "engine/execute/program.h"

#include <utility>

#include "engine/execute/steps.h"
#include "engine/graph/fuse.h"
#include "engine/graph/subsample.h"
#include "engine/plan/memory_plan.h"
#include "engine/support/aligned.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace patternlite {
namespace {

class CompiledProgram final : public Program {
 public:
  CompiledProgram(const Graph& source, const Verdict& verdict, const CompileOptions& options,
                  const kernels::KernelTable& kernels)
      : parallel_(options.parallel ? options.parallel : make_thread_pool(1)),
        layers_(verdict.layers) {
    const Graph graph = subsample(fuse(source));
    const MemoryPlan plan = plan_memory(graph);
    auto convolutions =
        plan_convolutions(in_planar(graph, plan, verdict), kernels, *parallel_, options.tuning);
    allocate(plan);
    for (TensorId id : graph.inputs) {
      inputs_.push_back(make_input_step(plan.layouts[id], tensor(plan, id), kernels));
    }
    const TensorMemory memory{plan.layouts, [&](TensorId id) { return tensor(plan, id); }};
    std::size_t next = 0;  // convolution: rewrites keep them all, in their order
    for (const Node& node : graph.nodes) {
      if (const auto* conv = std::get_if<Convolution>(&node.op)) {
        steps_.push_back(make_convolution_step(*conv, memory, std::move(convolutions[next])));
        layers_[next].kernel = steps_.back()->kernel_name();
        layers_[next++].weight_bytes = steps_.back()->weight_bytes();
      } else {
        steps_.push_back(make_step(node, memory, kernels));
      }
    }
    for (TensorId id : graph.outputs) {
      outputs_.push_back(make_output_step(plan.layouts[id], tensor(plan, id), kernels));
    }
  }

  void run(std::span<const float* const> inputs, std::span<float* const> outputs) override {
    for (std::size_t i = 0; i < inputs_.size(); ++i) inputs_[i]->run(inputs[i], *parallel_);
    for (const auto& step : steps_) step->run(*parallel_);
    for (std::size_t i = 0; i < outputs_.size(); ++i) outputs_[i]->run(outputs[i], *parallel_);
  }

  const std::vector<LayerReport>& layers() const override { return layers_; }

  std::size_t activation_bytes() const override {
    std::size_t floats = 0;
    for (const auto& slot : slots_) floats += slot.size();
    return floats * sizeof(float);
  }

  std::size_t weight_bytes() const override {
    std::size_t bytes = 0;
    for (const auto& step : steps_) bytes += step->weight_bytes();
    return bytes;
  }

 private:
  void allocate(const MemoryPlan& plan) {
    for (const PlanarLayout& layout : plan.slots) slots_.emplace_back(layout.elements());
  }

  // Row 0, column 0 of channel 0.
  float* tensor(const MemoryPlan& plan, TensorId id) {
    const PlanarLayout& layout = plan.layouts[id];
    return slots_[plan.slot[id]].data() + plan.channel[id] * layout.plane() + layout.lead();
  }

  static std::vector<ConvolutionToPlan> in_planar(const Graph& graph, const MemoryPlan& plan,
                                                  const Verdict& verdict) {
    std::vector<ConvolutionToPlan> all;
    for (const Node& node : graph.nodes) {
      const auto* conv = std::get_if<Convolution>(&node.op);
      if (conv == nullptr) continue;
      all.push_back({{*conv, plan.layouts[conv->input], plan.layouts[conv->output]},
                     &verdict.analyses.at(all.size())});
    }
    return all;
  }

  std::shared_ptr<Parallel> parallel_;
  std::vector<AlignedVector<float>> slots_;
  std::vector<std::unique_ptr<InputStep>> inputs_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<std::unique_ptr<OutputStep>> outputs_;
  std::vector<LayerReport> layers_;
};

}  // namespace

std::unique_ptr<Program> Program::compile(const Graph& graph, const CompileOptions& options) {
  validate(graph);
  return compile(graph, judge(graph, options.kernels ? *options.kernels : best_kernels()), options);
}

std::unique_ptr<Program> Program::compile(const Graph& graph, const Verdict& verdict,
                                          const CompileOptions& options) {
  validate(graph);
  return std::make_unique<CompiledProgram>(graph, verdict, options,
                                           options.kernels ? *options.kernels : best_kernels());
}

}  // namespace patternlite
