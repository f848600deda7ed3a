// What the engine decides about each convolution, in words a user can read.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/recognise/recognise.h"
#include "kernels/kernels.h"

namespace patternlite {

struct LayerReport {
  std::string name;
  std::string kind;               // kind_of(), or "fc"
  int filters = 0, channels = 0;  // of output and input; all of the input's values if "fc"
  int height = 0, width = 0;      // of the output
  double dense_macs = 0, kept_macs = 0;
  double kernels_kept = 0;  // fraction of kernels with any weight left
  int patterns = 0;         // distinct tap sets among the kept kernels, kMostPatterns or more
  Outcome outcome = Outcome::kDeclined;
  std::string reason;  // "pattern", "sparse-1x1", "dense:too-few-zeros", "declined:...", ...
  std::string kernel;  // "os-g1", "bc-g16", ... ; "stock" when left to the runtime
  std::size_t weight_bytes = 0;  // packed; 0 when left to the runtime
};

// "conv3x3", "depthwise3x3s2", "conv1x7s1x2": what it is, its kernel and its strides.
std::string kind_of(std::string what, const Window& window);

// The report of a layer that stays with the stock runtime, as if all its weights were kept.
// `output`: all zeros if it is not known; channels: of the input.
LayerReport stock_report(std::string name, std::string kind, std::string reason,
                         const Shape& output, int channels, double macs);

// A report for each convolution of the graph, in order, and whether running the graph here is
// expected to beat the stock runtime ("never slower": cost_model.h) on batches of so many images.
struct Verdict {
  bool worthwhile = false;
  bool sparse = false;  // any layer
  bool finite = true;   // all weights are: skipping zeros would hide NaNs
  std::vector<LayerReport> layers;
  std::vector<Analysis> analyses;  // of each layer: compiling needs no second look at the weights
};
Verdict judge(const Graph& graph, const kernels::KernelTable& kernels, int batch = 1);

}  // namespace patternlite
