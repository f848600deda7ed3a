#include "tflite/delegate_kernel.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <utility>

namespace patternlite::tflite {

namespace {

std::vector<std::vector<int>> dims_read(const TfLiteContext& context,
                                        const PartitionGraph& partition) {
  std::vector<std::vector<int>> all;
  for (const auto* tensors : {&partition.inputs, &partition.measured}) {
    for (const int tensor : *tensors) {
      const std::span<const int> dims = items(context.tensors[tensor].dims);
      all.emplace_back(dims.begin(), dims.end());
    }
  }
  return all;
}

}  // namespace

PartitionGraph read_partition(const TfLiteContext& context, std::span<const OpNode> nodes,
                              std::span<const int> outputs, Constants& constants) {
  GraphReader reader(context, constants);
  for (const OpNode& node : nodes) reader.add(node);
  return std::move(reader).finish(outputs);
}

DelegateKernel::DelegateKernel(std::vector<OpNode> nodes, std::vector<int> outputs,
                               std::vector<OpNode> decoders, std::optional<Verdict> verdict,
                               CompileOptions options)
    : nodes_(std::move(nodes)),
      outputs_(std::move(outputs)),
      decoders_(std::move(decoders)),
      verdict_(std::move(verdict)),
      options_(std::move(options)) {}

std::vector<int> DelegateKernel::node_indices() const {
  std::vector<int> indices;
  for (const OpNode& node : nodes_) indices.push_back(node.index);
  return indices;
}

void DelegateKernel::compile(const TfLiteContext& context) {
  Constants constants(context, decoders_);
  compile(context, constants);
}

bool DelegateKernel::fits(const Compiled& compiled, const TfLiteContext& context) {
  return compiled.program && dims_read(context, compiled.partition) == compiled.input_dims;
}

void DelegateKernel::compile(const TfLiteContext& context, Constants& constants) {
  if (fits(current_, context)) return;
  if (fits(previous_, context)) return std::swap(current_, previous_);

  PartitionGraph partition = read_partition(context, nodes_, outputs_, constants);
  // A new batch alone changes nothing inside a program.
  const auto computes = [&](const Compiled& compiled) {
    return compiled.program && compiled.partition.graph.tensors == partition.graph.tensors;
  };
  // The size that a model is loaded with is often not the one it runs at, so it is not kept.
  if (!computes(current_) && (current_.ran || computes(previous_))) std::swap(current_, previous_);
  if (!computes(current_)) {
    current_ = {};  // frees its memory before the next one takes as much
    CompileOptions options = options_;
    // There is no tuning while a size is open; if it still is open later, that size is meant.
    if (verdict_ && partition.size_is_open) options.tuning = {};
    current_.program = verdict_ ? Program::compile(partition.graph, *verdict_, options)
                                : Program::compile(partition.graph, options);
    verdict_.reset();
  }
  current_.partition = std::move(partition);
  current_.input_dims = dims_read(context, current_.partition);
  input_data_.resize(current_.partition.inputs.size());
  output_data_.resize(current_.partition.outputs.size());
}

TfLiteStatus DelegateKernel::resize_outputs(TfLiteContext* context) const {
  const PartitionGraph& partition = current_.partition;
  for (std::size_t i = 0; i < partition.outputs.size(); ++i) {
    const std::vector<int>& dims = partition.output_dims[i];
    // The interpreter takes the array and frees it.
    auto* array = static_cast<TfLiteIntArray*>(std::malloc(sizeof(int) * (dims.size() + 1)));
    if (!array) throw std::bad_alloc();
    array->size = static_cast<int>(dims.size());
    std::ranges::copy(dims, reinterpret_cast<int*>(array) + 1);
    const TfLiteStatus status =
        context->ResizeTensor(context, &context->tensors[partition.outputs[i]], array);
    if (status != kTfLiteOk) return status;
  }
  return kTfLiteOk;
}

void DelegateKernel::run(const TfLiteContext& context) {
  const PartitionGraph& partition = current_.partition;
  if (!partition.is_runnable) {
    throw std::runtime_error("its inputs have no height and width yet: resize them");
  }
  current_.ran = true;
  const Graph& graph = partition.graph;
  // A smaller batch shows its last image again: an operand of one image goes with all others'.
  const auto image_of = [&](int tensor, TensorId id, int image, int batch) {
    return context.tensors[tensor].data.f +
           std::min(image, batch - 1) * graph.tensors[id].elements();
  };
  for (int image = 0; image < partition.batch; ++image) {
    for (std::size_t i = 0; i < input_data_.size(); ++i) {
      input_data_[i] =
          image_of(partition.inputs[i], graph.inputs[i], image, partition.input_batches[i]);
    }
    for (std::size_t i = 0; i < output_data_.size(); ++i) {
      output_data_[i] =
          image_of(partition.outputs[i], graph.outputs[i], image, partition.output_batches[i]);
    }
    current_.program->run(input_data_, output_data_);
  }
}

}  // namespace patternlite::tflite
