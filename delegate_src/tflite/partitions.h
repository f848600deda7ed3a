// Which nodes of a graph the delegate takes, decided and compiled before any is claimed: once
// claimed, a failure would reach the user as an error instead of falling back to the stock runtime.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tflite/delegate_kernel.h"
#include "tflite/options.h"

namespace patternlite::tflite {

// What becomes of a graph.
struct Selection {
  std::vector<std::unique_ptr<DelegateKernel>> kernels;  // one per partition
  std::vector<LayerReport> layers;                 // every convolution of the graph, in its order
  int convolutions = 0, claimed_convolutions = 0;  // CONV_2D alone
  std::vector<int> nodes() const;                  // of all kernels
};

// Gives the threads that kernels run on; asked only when there is something to compile.
using ThreadSource = std::function<std::shared_ptr<Parallel>()>;

// May only be called while the runtime applies the delegate.
Selection select_partitions(TfLiteContext* context, const Options& options,
                            const CompileOptions& compile_options, const ThreadSource& threads);

}  // namespace patternlite::tflite
