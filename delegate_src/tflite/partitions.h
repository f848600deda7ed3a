// Which nodes of a graph the delegate takes, decided and compiled before any is claimed: once
// claimed, a failure would reach the user as an error instead of falling back to the stock runtime.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "tflite/delegate_kernel.h"
#include "tflite/options.h"

namespace patternlite::tflite {

// What becomes of a graph.
struct Selection {
  std::vector<std::unique_ptr<DelegateKernel>> kernels;  // one per partition
  std::vector<LayerReport> layers;                 // every convolution of the graph, in its order
  int convolutions = 0, claimed_convolutions = 0;  // CONV_2D alone
};

// A partition that was taken.
struct Claim {
  std::vector<int> nodes, outputs;
  double tune_share;
};

// Gives the threads that kernels run on; asked only when there is something to compile.
using ThreadSource = std::function<std::shared_ptr<Parallel>()>;

// May only be called while the runtime applies the delegate.
Selection select_partitions(TfLiteContext* context, const Options& options,
                            const CompileOptions& compile_options, const ThreadSource& threads);

// What was taken before, not compiled, where the runtime applies the delegate anew at a resize:
// what its own operators make has the old shapes then, from which nothing can be decided. None
// where another delegate has taken some of it since.
std::vector<std::unique_ptr<DelegateKernel>> kernels_of(TfLiteContext* context,
                                                        std::span<const Claim> claims,
                                                        const CompileOptions& compile_options);

}  // namespace patternlite::tflite
