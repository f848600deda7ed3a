// One compiled partition: what runs in place of the TFLite nodes that it was made from.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/execute/program.h"
#include "tflite/read/graph_reader.h"

namespace patternlite::tflite {

class DelegateKernel {
 public:
  // `outputs` are the tensors that the rest of the interpreter wants, `decoders` those of the
  // whole graph; `verdict` is judge()'s of the partition as it is now, if it was judged.
  DelegateKernel(std::vector<OpNode> nodes, std::vector<int> outputs, std::vector<OpNode> decoders,
                 std::optional<Verdict> verdict, CompileOptions options);

  // Compiles for the inputs' present shapes, unless it already has for these: the last two are
  // kept. Throws Declined or std::invalid_argument if the operators do not fit together at these
  // shapes.
  void compile(const TfLiteContext& context);
  void compile(const TfLiteContext& context, Constants& constants);

  // Tells the interpreter the outputs' shapes. Throws std::bad_alloc.
  TfLiteStatus resize_outputs(TfLiteContext* context) const;

  void run(const TfLiteContext& context);

  // How much of what is left of the model's time for trying kernels this one may use to compile.
  void set_tune_share(double share) { options_.tuning.share = share; }
  double tune_share() const { return options_.tuning.share; }
  void set_parallel(std::shared_ptr<Parallel> parallel) { options_.parallel = std::move(parallel); }

  const std::vector<OpNode>& nodes() const { return nodes_; }
  std::vector<int> node_indices() const;
  const std::vector<int>& outputs() const { return outputs_; }
  const PartitionGraph& partition() const { return current_.partition; }
  const Program& program() const { return *current_.program; }

 private:
  // What was compiled for one size of the inputs.
  struct Compiled {
    std::vector<std::vector<int>> input_dims;
    PartitionGraph partition;
    std::unique_ptr<Program> program;
    bool ran = false;
  };
  static bool fits(const Compiled& compiled, const TfLiteContext& context);

  std::vector<OpNode> nodes_;
  std::vector<int> outputs_;
  std::vector<OpNode> decoders_;
  std::optional<Verdict> verdict_;  // until the first compilation
  CompileOptions options_;
  Compiled current_, previous_;
  std::vector<const float*> input_data_;
  std::vector<float*> output_data_;
};

PartitionGraph read_partition(const TfLiteContext& context, std::span<const OpNode> nodes,
                              std::span<const int> outputs, Constants& constants);

}  // namespace patternlite::tflite
