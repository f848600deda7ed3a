#include "mnn/model/recording.h"

#include <utility>

namespace patternlite::mnn {

TensorId Recording::tensor(const abi::Tensor& tensor) {
  const auto [found, is_new] = ids_.try_emplace(&tensor, static_cast<TensorId>(tensors_.size()));
  if (is_new) {
    const void* describe = engine_->describe(&tensor);
    MapTensor map = map_tensor(engine_, tensor).value();
    map.data = nullptr;
    tensors_.push_back(
        {.map = map,
         .readers = abi::field<std::int32_t>(describe, abi::kDescribeUseCount),
         .outside = abi::field<abi::Usage>(describe, abi::kDescribeUsage) != abi::kUsageNormal});
  }
  return found->second;
}

TensorId Recording::between(const Shape& shape) {
  tensors_.push_back({.map = {.shape = shape}});
  return static_cast<TensorId>(tensors_.size() - 1);
}

void Recording::set_constant(TensorId id, std::vector<float> of_channels) {
  tensors_[id].constant = std::move(of_channels);
}

void Recording::add(RecordedNode node) {
  node.place->program = nullptr;
  node.place->node = static_cast<int>(nodes_.size());
  nodes_.push_back(std::move(node));
}

void Recording::clear() {
  nodes_.clear();
  tensors_.clear();
  ids_.clear();
}

}  // namespace patternlite::mnn
