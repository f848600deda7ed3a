// The compiled part of a session that runs here: packed weights and planar memory, run step by step
// as MNN executes the session.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/execute/steps.h"
#include "engine/plan/tune_budget.h"
#include "engine/support/aligned.h"
#include "engine/support/parallel.h"
#include "mnn/model/recording.h"
#include "mnn/plan/pack_layers.h"
#include "mnn/plan/session_graph.h"
#include "mnn/session/layer_log.h"

namespace patternlite::mnn {

class SessionProgram {
 public:
  // Compiles a program, puts it into each recorded node's place, and enters kernels and memory into
  // the log. Returns its layers' packings: the log's entry counts as long as somebody holds them.
  // Throws std::invalid_argument if the engine cannot run a layer. budget: the session's.
  static std::shared_ptr<const PackedLayers> compile(const Recording& recording, LayerLog& log,
                                                     const std::shared_ptr<TuneBudget>& budget);

  // Whether the recorded node runs here; otherwise MNN runs it.
  bool runs(int node) const { return runs_[node]; }
  // Whether MNN has to run it, too, beforehand.
  bool runs_in_mnn_too(int node) const { return runs_in_mnn_too_[node]; }
  // Does what is to be done at that node's place. To be called for all nodes that run here, in
  // order, once per inference, by one thread at a time.
  void run(int node, const abi::Tensors& inputs, const abi::Tensors& outputs, int pack,
           Parallel& parallel);

 private:
  struct Convolve {
    const PackedConvolution* packed;
    TensorId input, residual, output;
    TensorId clears = kNoTensor;  // the tensor whose borders are made zero just before
  };
  struct Transfer {
    MapTensor map;
    TensorId tensor;
    std::size_t operand;  // which of the node's inputs, or outputs
    TensorId clears = kNoTensor;
  };
  struct Stage {
    int images = 0;
    std::vector<Transfer> imports, exports;
    // [images]: of another operator, or what comes before the convolution
    std::vector<std::vector<std::unique_ptr<Step>>> image_steps;
    std::vector<Convolve> convolve;  // one, or none
  };

  SessionProgram(const SessionGraph& graph, const Recording& recording, LayerLog& log,
                 const std::shared_ptr<TuneBudget>& budget);
  void allocate(const SessionGraph& graph);
  void pack(const SessionGraph& graph, const Recording& recording, LayerLog& log,
            const std::shared_ptr<TuneBudget>& budget);
  void add(const SessionNode& node, const Recording& recording);
  float* at(TensorId id, int image);
  // The end of the images whose borders are cleared together with this image of the stage.
  int clear_end(const Stage& stage, TensorId id, int image) const;
  PlanReport report(const SessionGraph& graph, const Recording& recording) const;

  const kernels::KernelTable& kernels_;
  std::vector<bool> runs_, runs_in_mnn_too_;
  MemoryPlan plan_;
  struct Slot {
    AlignedVector<float> memory;
    std::size_t image_stride;
    int images;  // the largest batch of what lies here
  };
  std::vector<Slot> slots_;
  std::vector<Stage> stages_;  // [recorded]
  std::shared_ptr<const PackedLayers> packed_;
};

}  // namespace patternlite::mnn
