#include "tflite/kernel.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace patternlite::tflite {

namespace {

std::vector<std::vector<int>> dims_of(const TfLiteContext& context, std::span<const int> tensors) {
  std::vector<std::vector<int>> all;
  for (const int tensor : tensors) {
    const std::span<const int> dims = items(context.tensors[tensor].dims);
    all.emplace_back(dims.begin(), dims.end());
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

Kernel::Kernel(std::vector<OpNode> nodes, std::vector<int> outputs, std::vector<OpNode> expanders,
               Verdict verdict, CompileOptions options)
    : nodes_(std::move(nodes)),
      outputs_(std::move(outputs)),
      expanders_(std::move(expanders)),
      verdict_(std::move(verdict)),
      options_(std::move(options)) {}

void Kernel::compile(const TfLiteContext& context) {
  Constants constants(context, expanders_);
  compile(context, constants);
}

void Kernel::compile(const TfLiteContext& context, Constants& constants) {
  if (program_ && dims_of(context, partition_.inputs) == input_dims_) return;

  PartitionGraph partition = read_partition(context, nodes_, outputs_, constants);
  // A new batch alone changes nothing inside the program.
  if (!program_ || partition.graph.tensors != partition_.graph.tensors) {
    program_ = nullptr;  // frees its memory before the next one takes as much
    program_ = verdict_ ? Program::compile(partition.graph, *verdict_, options_)
                        : Program::compile(partition.graph, options_);
    verdict_.reset();
  }
  partition_ = std::move(partition);
  input_dims_ = dims_of(context, partition_.inputs);
  input_data_.resize(partition_.inputs.size());
  output_data_.resize(partition_.outputs.size());
}

TfLiteStatus Kernel::resize_outputs(TfLiteContext* context) const {
  for (std::size_t i = 0; i < partition_.outputs.size(); ++i) {
    const std::vector<int>& dims = partition_.output_dims[i];
    // The interpreter takes the array and frees it.
    auto* array = static_cast<TfLiteIntArray*>(std::malloc(sizeof(int) * (dims.size() + 1)));
    if (!array) return kTfLiteError;
    array->size = static_cast<int>(dims.size());
    std::ranges::copy(dims, reinterpret_cast<int*>(array) + 1);
    const TfLiteStatus status =
        context->ResizeTensor(context, &context->tensors[partition_.outputs[i]], array);
    if (status != kTfLiteOk) return status;
  }
  return kTfLiteOk;
}

void Kernel::run(const TfLiteContext& context) {
  const Graph& graph = partition_.graph;
  // A smaller batch shows its last image again: an operand of one image goes with all others'.
  const auto image_of = [&](int tensor, TensorId id, int image, int batch) {
    return context.tensors[tensor].data.f +
           std::min(image, batch - 1) * graph.tensors[id].elements();
  };
  for (int image = 0; image < partition_.batch; ++image) {
    for (std::size_t i = 0; i < input_data_.size(); ++i) {
      input_data_[i] =
          image_of(partition_.inputs[i], graph.inputs[i], image, partition_.input_batches[i]);
    }
    for (std::size_t i = 0; i < output_data_.size(); ++i) {
      output_data_[i] =
          image_of(partition_.outputs[i], graph.outputs[i], image, partition_.output_batches[i]);
    }
    program_->run(input_data_, output_data_);
  }
}

}  // namespace patternlite::tflite
