#include "tflite/read/constants.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "tflite/abi/builtin_operators.h"
#include "tflite/read/half.h"
#include "tflite/read/sparse_tensor.h"

namespace patternlite::tflite {
namespace {

std::vector<float> to_float(std::span<const std::uint16_t> halves) {
  std::vector<float> floats(halves.size());
  std::ranges::transform(halves, floats.begin(), half_to_float);
  return floats;
}

template <typename T>
std::span<const T> elements(const TfLiteTensor& tensor) {
  return {static_cast<const T*>(tensor.data.raw), tensor.bytes / sizeof(T)};
}

template <typename T>
std::vector<T> densify_or_decline(const OpNode& reader, const TfLiteTensor& tensor) {
  std::optional<std::vector<T>> dense = densify<T>(tensor);
  if (!dense) throw Declined(reader.index, "sparse-format");
  return *std::move(dense);
}

// What DENSIFY and DEQUANTIZE make of a stored constant.
std::vector<float> decode(const OpNode& reader, const TfLiteTensor& stored) {
  if (stored.type == kTfLiteFloat32) return densify_or_decline<float>(reader, stored);
  if (!stored.sparsity) return to_float(elements<std::uint16_t>(stored));
  return to_float(densify_or_decline<std::uint16_t>(reader, stored));
}

}  // namespace

bool is_constant(const TfLiteTensor& tensor) {
  return tensor.allocation_type == kTfLiteMmapRo && tensor.data.raw != nullptr;
}

std::vector<OpNode> constant_decoders_of(std::span<const OpNode> nodes) {
  std::vector<OpNode> decoders;
  std::ranges::copy_if(nodes, std::back_inserter(decoders), [](const OpNode& node) {
    return (node.builtin_code == kTfLiteBuiltinDequantize ||
            node.builtin_code == kTfLiteBuiltinDensify) &&
           node.inputs.size() == 1 && node.inputs[0] >= 0 && node.outputs.size() == 1;
  });
  return decoders;
}

Constants::Constants(const TfLiteContext& context, std::span<const OpNode> decoders)
    : context_(context) {
  for (const OpNode& node : decoders) decoder_of_.emplace(node.outputs[0], node);
}

Constants::Source Constants::trace(int tensor) const {
  Source source{tensor};
  const auto step_up = [&](TfLiteBuiltinOperator code, bool& passed) {
    const auto found = decoder_of_.find(source.tensor);
    if (found == decoder_of_.end() || found->second.builtin_code != code) return;
    source.tensor = found->second.inputs[0];
    passed = true;
  };
  step_up(kTfLiteBuiltinDequantize, source.dequantized);
  step_up(kTfLiteBuiltinDensify, source.densified);
  return source;
}

bool Constants::is_decoded(int tensor) const {
  const Source source = trace(tensor);
  return source.tensor != tensor && is_constant(context_.tensors[source.tensor]);
}

std::span<const float> Constants::floats(const OpNode& reader, int tensor) {
  const TfLiteTensor& wanted = context_.tensors[tensor];
  require_type(reader, wanted, kTfLiteFloat32);
  const Source source = trace(tensor);
  const TfLiteTensor& stored = context_.tensors[source.tensor];
  if (!is_constant(stored)) throw Declined(reader.index, "dynamic-weights");
  const TfLiteType type = source.dequantized ? kTfLiteFloat16 : kTfLiteFloat32;
  require_type(reader, stored, type);
  if ((stored.sparsity != nullptr) != source.densified) {
    throw Declined(reader.index, "compressed-weights");
  }
  if (source.tensor == tensor) return elements<float>(stored);
  if (!std::ranges::equal(items(wanted.dims), items(stored.dims))) {
    throw Declined(reader.index, "weights-shape");
  }
  const auto found = decoded_.find(tensor);
  if (found != decoded_.end()) return found->second;
  return decoded_.emplace(tensor, decode(reader, stored)).first->second;
}

}  // namespace patternlite::tflite
