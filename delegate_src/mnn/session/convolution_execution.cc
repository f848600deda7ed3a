#include "mnn/session/convolution_execution.h"

#include <utility>

#include "mnn/abi/error_code.h"
#include "mnn/model/map_tensor.h"

namespace patternlite::mnn {

ConvolutionExecution::ConvolutionExecution(abi::Backend* backend, StockExecution stock,
                                           std::shared_ptr<const ConvolutionLayer> layer,
                                           bool beside_others, std::optional<double> gain,
                                           std::size_t row)
    : PlannedExecution(backend, ShadowBackend::of(backend), std::move(stock)),
      layer_(std::move(layer)),
      beside_others_(beside_others),
      gain_(gain),
      row_(row) {}

std::optional<RecordedNode> ConvolutionExecution::node(Recording& recording,
                                                       const abi::Tensors& inputs,
                                                       const abi::Tensors& outputs) {
  const Shape input = blocked_tensor(*inputs[0]).shape;
  const Shape output = blocked_tensor(*outputs[0]).shape;
  Convolution conv =
      engine_convolution(layer_->op(), padded_window(layer_->op(), input, output), nullptr);
  conv.input = recording.tensor(*inputs[0]);
  conv.output = recording.tensor(*outputs[0]);
  std::optional<double> gain = gain_;
  if (gain) *gain *= output.height * output.width;
  return RecordedNode{.ops = {conv},
                      .inputs = {conv.input},
                      .output = conv.output,
                      .layer = layer_,
                      .beside_others = beside_others_,
                      .gain = gain,
                      .row = row_};
}

bool ConvolutionExecution::on_clone(abi::Backend* backend, const abi::Op* op,
                                    abi::Execution** destination) {
  if (!destination) return !stock() || stock().can_be_cloned(backend, op);
  *destination = nullptr;
  const auto code = guarded([&] {
    const auto other = ShadowBackend::of(backend);
    if (!other) return;
    StockExecution copy(nullptr);
    if (stock() && !(copy = stock().clone(backend, op))) return;
    other->adopt(*shadow());
    *destination =
        new ConvolutionExecution(backend, std::move(copy), layer_, beside_others_, gain_, row_);
  });
  return code == abi::kNoError && *destination != nullptr;
}

}  // namespace patternlite::mnn
