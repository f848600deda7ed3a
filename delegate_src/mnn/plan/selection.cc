#include "mnn/plan/selection.h"

#include <atomic>
#include <utility>

#include "engine/recognise/recognise.h"
#include "engine/support/isa.h"
#include "mnn/model/map_tensor.h"
#include "mnn/plan/expectation.h"

namespace patternlite::mnn {
namespace {

std::atomic<bool> all_taken{false};

constexpr long long kMostWeightsTwice = 1 << 17;

// MNN runs windows of any numbers that a file may hold. Negative pads are cells that no window
// reads: with "SAME" where strides are longer than kernels, and else a sign of damage.
bool runs_here(const ConvolutionOp& conv, const Shape& input, const Shape& output) {
  const Window window = padded_window(conv, input, output);
  if (fault_of(window)) return false;
  const bool crops = window.pad_top < 0 || window.pad_left < 0;
  if (crops && conv.padding != ConvolutionOp::Padding::kSame) return false;
  const double rows =
      static_cast<double>(window.pad_top) + input.height + pad_below(window, input, output);
  const double columns =
      static_cast<double>(window.pad_left) + input.width + pad_right(window, input, output);
  return rows * columns * input.channels <= kMostElements;
}

// Why this operator cannot be run here whatever its weights; null if it can.
const char* obstacle(const EngineHandle& engine, const ConvolutionOp& conv,
                     const abi::Tensors& inputs, const abi::Tensors& outputs) {
  if (inputs.size() != 1 || outputs.size() != 1) return "declined:dynamic-weights";
  if (conv.integer) return "declined:integer";
  if (conv.damaged) return "declined:damaged-weights";
  if (fault_of(conv.window)) return "declined:window";
  if (!is_blocked_float(engine, *inputs[0]) || !is_blocked_float(engine, *outputs[0])) {
    return "declined:layout";
  }
  const Shape input = blocked_tensor(*inputs[0]).shape;
  const Shape output = blocked_tensor(*outputs[0]).shape;
  const bool divides = !conv.depthwise && conv.groups > 0 && conv.channels == input.channels &&
                       conv.channels % conv.groups == 0 && conv.filters % conv.groups == 0;
  const bool one_each = conv.depthwise && input.channels == output.channels;
  if (!divides && !one_each) return "declined:groups";
  if (input.elements() == 0 || output.elements() == 0) return "declined:empty-output";
  if (input.elements() > kMostElements || output.elements() > kMostElements) {
    return "declined:too-large";
  }
  if (!runs_here(conv, input, output)) return "declined:window";
  if (conv.filters != output.channels ||
      (!conv.bias.empty() && conv.bias.size() != static_cast<std::size_t>(conv.filters))) {
    return "declined:shapes";
  }
  return nullptr;
}

// Of a convolution whose weights were not looked at.
LayerReport report_unread(const EngineHandle& engine, std::string name, const char* reason,
                          const ConvolutionOp& conv, const abi::Tensors& inputs,
                          const abi::Tensors& outputs) {
  const auto first_map = [&](const abi::Tensors& tensors) {
    return tensors.empty() ? std::optional<MapTensor>() : any_map(engine, *tensors[0]);
  };
  const std::optional<MapTensor> input = first_map(inputs), output = first_map(outputs);
  std::string kind = kind_of(conv.depthwise ? "depthwise" : "conv", conv.window);
  if (!input || !output) return stock_report(std::move(name), std::move(kind), reason, {}, 0, 0);
  const double groups = conv.groups > 0 ? conv.groups : 1;
  const double macs = static_cast<double>(output->shape.elements()) *
                      (input->shape.channels / groups) * conv.window.kernel_h *
                      conv.window.kernel_w;
  return stock_report(std::move(name), std::move(kind), reason, output->shape,
                      input->shape.channels, macs);
}

}  // namespace

Selection select_convolution(const EngineHandle& engine, const abi::Tensors& inputs,
                             const abi::Tensors& outputs, const abi::Op* op, int pack,
                             Origin origin) {
  ConvolutionOp conv = read_convolution(op);
  const std::string name = op_name(op);
  if (const char* reason = obstacle(engine, conv, inputs, outputs)) {
    return {Selection::Choice::kStock, report_unread(engine, name, reason, conv, inputs, outputs),
            nullptr};
  }
  std::shared_ptr<void> owner;
  const float* weights = nullptr;
  int count = 0;
  engine->convolution_weights(&owner, nullptr, op, &weights, &count);
  const auto expected = static_cast<long long>(conv.weights());
  if (!weights || count != expected) {
    const char* reason = weights ? "declined:weights-shape" : "declined:dynamic-weights";
    return {Selection::Choice::kStock, report_unread(engine, name, reason, conv, inputs, outputs),
            nullptr};
  }

  const Shape input = blocked_tensor(*inputs[0]).shape;
  const Shape output = blocked_tensor(*outputs[0]).shape;
  Graph graph;
  graph.tensors = {input, output};
  graph.inputs = {0};
  graph.outputs = {1};
  graph.nodes.push_back(
      {engine_convolution(conv, padded_window(conv, input, output), weights), name});
  const int batch = inputs[0]->dim[0].extent;
  Verdict verdict = judge(graph, best_kernels(), batch);
  Selection selection{Selection::Choice::kStock, std::move(verdict.layers.at(0)), nullptr};
  const Outcome outcome = selection.report.outcome;
  if (outcome == Outcome::kDeclined) return selection;
  const double gain = expected_gain(graph, verdict.analyses.at(0).sparsity, pack, batch);
  const double arrival = moving_cost(input);
  const double moved = origin == Origin::kStock ? arrival + moving_cost(output) : -arrival;
  const bool alone = all_taken || gain > moved;
  if (!alone && gain <= 0) return selection;
  // Without zeros in any layer the session is to be MNN's, to the bit; and what the layers around
  // this one save is not known while layers are created. So both are made: of layers of few
  // weights.
  const bool sparse = outcome == Outcome::kSparse;
  const bool sure = alone && (all_taken || sparse || origin == Origin::kOurs);
  if (!sure && expected > kMostWeightsTwice) return selection;
  selection.choice = sure     ? Selection::Choice::kOurs
                     : sparse ? Selection::Choice::kOursInARun
                              : Selection::Choice::kOursBesideOthers;
  if (sure) selection.report.kernel = "planned";  // its name once MNN has resized the session
  if (!alone) selection.gain = gain / (output.height * output.width);
  selection.layer = std::make_shared<const ConvolutionLayer>(std::move(conv), weights);
  return selection;
}

void take_all(bool all) { all_taken = all; }

}  // namespace patternlite::mnn
