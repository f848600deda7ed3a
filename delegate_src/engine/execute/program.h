// A graph compiled for this machine: weights packed, memory planned, kernels chosen. Compile once,
// run many times. Not thread-safe: a Program runs one image at a time, on its options' threads.
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

// Multiplications of a layer that threads share. Fewer take no longer than waking another thread,
// and bringing here what it wrote.
inline constexpr double kLeastShared = 1 << 17;

struct CompileOptions {
  const kernels::KernelTable* kernels = nullptr;  // null: best_kernels(), see isa.h
  std::shared_ptr<Parallel> parallel;             // null: this thread alone
  TuneOptions tuning;
  ChainLimits chains;
  double least_shared = kLeastShared;
};

class Program {
 public:
  // Throws std::invalid_argument when the graph does not fit together or holds something that the
  // engine cannot run.
  static std::unique_ptr<Program> compile(const Graph& graph, const CompileOptions& options);
  // `verdict` is what judge() returned for this graph.
  static std::unique_ptr<Program> compile(const Graph& graph, const Verdict& verdict,
                                          const CompileOptions& options);
  virtual ~Program() = default;

  // Runs one image: dense NHWC floats in and out, a pointer for each of graph.inputs and
  // graph.outputs, in their order. Denormals count as zero meanwhile; afterwards the caller's own
  // setting is restored. Not on two threads at once. Throws std::bad_alloc if a thread's scratch
  // memory cannot be allocated.
  virtual void run(std::span<const float* const> inputs, std::span<float* const> outputs) = 0;

  // What became of each convolution.
  virtual const std::vector<LayerReport>& layers() const = 0;
  // Bytes of activations (the peak of any run, since tensors share memory) and of packed weights.
  // The threads' own scratch memory (scratch.h) is not counted.
  virtual std::size_t activation_bytes() const = 0;
  virtual std::size_t weight_bytes() const = 0;
};

}  // namespace patternlite
