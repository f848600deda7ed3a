// A graph compiled for this machine: packed weights, planned memory, kernels chosen. Compile once,
// run many times. Not thread-safe: one Program runs one image at a time, on `threads` threads.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/plan/chains.h"
#include "engine/plan/plan_convolutions.h"
#include "engine/recognise/decision.h"
#include "engine/support/parallel.h"
#include "kernels/kernels.h"

namespace patternlite {

struct CompileOptions {
  const kernels::KernelTable* kernels = nullptr;  // null: best_kernels(), see isa.h
  std::shared_ptr<Parallel> parallel;             // null: this thread alone
  TuneOptions tuning;
  ChainLimits chains;
};

class Program {
 public:
  // Throws std::invalid_argument when the graph does not fit together or holds what the engine
  // cannot run.
  static std::unique_ptr<Program> compile(const Graph& graph, const CompileOptions& options);
  // `verdict` is judge()'s of this graph.
  static std::unique_ptr<Program> compile(const Graph& graph, const Verdict& verdict,
                                          const CompileOptions& options);
  virtual ~Program() = default;

  // One image: dense NHWC floats in and out, a pointer for each of graph.inputs and graph.outputs,
  // in their order. Denormals are zero, whatever they are to the caller, to whom they are that
  // again after. Not on two threads at once. Throws std::bad_alloc where a thread's scratch does
  // not fit.
  virtual void run(std::span<const float* const> inputs, std::span<float* const> outputs) = 0;

  // What became of each convolution.
  virtual const std::vector<LayerReport>& layers() const = 0;
  // Bytes: of activations, whose memory tensors share (the peak of any run), and of packed weights.
  // What threads keep to work in (scratch.h) is theirs and not counted.
  virtual std::size_t activation_bytes() const = 0;
  virtual std::size_t weight_bytes() const = 0;
};

}  // namespace patternlite
