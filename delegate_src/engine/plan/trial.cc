#include "engine/plan/trial.h"

#include <chrono>

namespace patternlite {
namespace {

// Any values will do that are no denormals.
void grow(AlignedVector<float>& tensor, std::size_t elements) {
  while (tensor.size() < elements) {
    if (tensor.empty()) tensor.reserve(elements);
    tensor.push_back(static_cast<float>(tensor.size() * 2654435761u >> 8 & 0xff) / 128 - 1);
  }
}

}  // namespace

double Trial::run(const PlanarConvolution& conv, const PackedConvolution& packed) {
  grow(input_, conv.input.elements());
  grow(output_, conv.written().elements());
  const auto start = std::chrono::steady_clock::now();
  packed.run(input_.data() + conv.input.lead(), nullptr, output_.data() + conv.written().lead(),
             parallel_);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace patternlite
