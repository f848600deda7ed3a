#include "engine/recognise/decision.h"

#include <utility>

#include "engine/recognise/cost_model.h"

namespace patternlite {
namespace {

// How many times as long the stock runtime must be expected to take: the model may err by that
// much.
constexpr double kLeastSpeedup = 1.15;

// Among the kernels that exist: a grouped convolution is not sparse because of its groups.
Sparsity within_groups(Sparsity sparsity, const Convolution& conv, const Shape& input) {
  if (conv.weights.group_channels) {
    const double groups = input.channels / channels_per_filter(conv, input);
    sparsity.density *= groups;
    sparsity.kernels_kept *= groups;
  }
  return sparsity;
}

}  // namespace

std::string kind_of(std::string what, const Window& window) {
  what.append(std::to_string(window.kernel_h)).append("x").append(std::to_string(window.kernel_w));
  if (!window.strided()) return what;
  what.append("s").append(std::to_string(window.stride_h));
  if (window.stride_w == window.stride_h) return what;
  return what.append("x").append(std::to_string(window.stride_w));
}

LayerReport stock_report(std::string name, std::string kind, std::string reason,
                         const Shape& output, int channels, double macs) {
  return {.name = std::move(name),
          .kind = std::move(kind),
          .filters = output.channels,
          .channels = channels,
          .height = output.height,
          .width = output.width,
          .dense_macs = macs,
          .kept_macs = macs,
          .kernels_kept = 1,
          .reason = std::move(reason),
          .kernel = "stock"};
}

Verdict judge(const Graph& graph, const kernels::KernelTable& kernels, int batch) {
  Verdict verdict;
  double ours = 0, stock = 0;
  for (const Node& node : graph.nodes) {
    const auto* conv = std::get_if<Convolution>(&node.op);
    if (conv == nullptr) continue;
    const Shape &input = graph.tensors[conv->input], &output = graph.tensors[conv->output];
    const Sparsity& whole = verdict.analyses.emplace_back(*conv, input, output).sparsity;
    const Sparsity sparsity = within_groups(whole, *conv, input);
    const double macs = dense_macs(*conv, input, output);
    const bool fc = sparsity.fully_connected;
    LayerReport layer{
        .name = node.name,
        .kind = fc ? "fc" : kind_of(conv->depthwise ? "depthwise" : "conv", conv->window),
        .filters = output.channels,
        .channels = fc ? static_cast<int>(input.elements()) : input.channels,
        .height = output.height,
        .width = output.width,
        .dense_macs = macs,
        .kept_macs = macs * sparsity.density,
        .kernels_kept = sparsity.kernels_kept,
        .patterns = sparsity.patterns,
        .outcome = outcome_of(sparsity),
        .reason = reason_of(sparsity, conv->window),
        .kernel = "stock"};
    verdict.sparse |= layer.outcome == Outcome::kSparse;
    verdict.finite &= sparsity.finite;
    ours += estimated_cost(*conv, whole, input, output, kernels);
    stock += stock_cost(*conv, input, output, kernels, batch);
    verdict.layers.push_back(std::move(layer));
  }
  for (const auto* ids : {&graph.inputs, &graph.outputs}) {
    for (TensorId id : *ids) ours += border_cost(graph.tensors[id].elements());
  }
  verdict.worthwhile = verdict.sparse && verdict.finite && ours * kLeastSpeedup < stock;
  return verdict;
}

}  // namespace patternlite
