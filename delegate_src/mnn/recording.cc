#include "mnn/recording.h"

#include <utility>

#include "mnn/blocked_tensor.h"

namespace patternlite::mnn {

TensorId Recording::tensor(const abi::Tensor& tensor) {
  const auto [found, is_new] = ids_.try_emplace(&tensor, static_cast<TensorId>(tensors_.size()));
  if (is_new) {
    const void* describe = engine_->describe(&tensor);
    const BlockedTensor blocked = blocked_tensor(tensor, 1);
    tensors_.push_back(
        {.shape = blocked.shape,
         .batch = blocked.batch,
         .readers = abi::field<std::int32_t>(describe, abi::kDescribeUseCount),
         .outside = abi::field<abi::Usage>(describe, abi::kDescribeUsage) != abi::kUsageNormal});
  }
  return found->second;
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
