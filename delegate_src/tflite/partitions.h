// Decides which nodes of a graph the delegate takes, and compiles them before any is claimed: after
// that, a failure would be an error for the user instead of a fallback to the stock runtime.
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

// Provides the threads that kernels run on; called only if there is something to compile.
using ThreadSource = std::function<std::shared_ptr<Parallel>()>;

// May only be called while the runtime applies the delegate.
Selection select_partitions(TfLiteContext* context, const Options& options,
                            const CompileOptions& compile_options, const ThreadSource& threads);

// What was taken before, uncompiled, if the runtime applies the delegate anew at a resize: the
// outputs of its own operators still have the old shapes then, so nothing can be decided. None if
// another delegate has taken some of it since.
std::vector<std::unique_ptr<DelegateKernel>> kernels_of(TfLiteContext* context,
                                                        std::span<const Claim> claims,
                                                        const CompileOptions& compile_options);

}  // namespace patternlite::tflite
