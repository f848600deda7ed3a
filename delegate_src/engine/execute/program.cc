#include "engine/execute/program.h"

#include <stdexcept>

#include "engine/execute/steps.h"
#include "engine/graph/fuse.h"
#include "engine/graph/subsample.h"
#include "engine/plan/memory_plan.h"
#include "engine/support/aligned.h"
#include "engine/support/isa.h"

namespace patternlite {
namespace {

class SingleThread final : public Parallel {
 public:
  int threads() const override { return 1; }
  void run(int count, const std::function<void(int)>& task) override {
    for (int i = 0; i < count; ++i) task(i);
  }
};

class CompiledProgram final : public Program {
 public:
  CompiledProgram(const Graph& source, const CompileOptions& options)
      : parallel_(options.parallel ? options.parallel : std::make_shared<SingleThread>()) {
    const kernels::KernelTable& kernels = options.kernels ? *options.kernels : best_kernels();
    validate(source);
    layers_ = judge(source, kernels).layers;
    const Graph graph = subsample(fuse(source));
    const MemoryPlan plan = plan_memory(graph);
    allocate(plan);
    for (TensorId id : graph.inputs) {
      inputs_.push_back(make_input_step(plan.layouts[id], tensor(plan, id), kernels));
    }
    for (const Node& node : graph.nodes) {
      const TensorMemory memory{plan.layouts, [&](TensorId id) { return tensor(plan, id); }};
      steps_.push_back(make_step(node, memory, kernels));
      note_kernel(node.name, steps_.back()->kernel_name());
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

  void note_kernel(const std::string& name, const std::string& kernel) {
    for (LayerReport& layer : layers_) {
      if (layer.name == name) layer.kernel = kernel;
    }
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
  return std::make_unique<CompiledProgram>(graph, options);
}

}  // namespace patternlite
