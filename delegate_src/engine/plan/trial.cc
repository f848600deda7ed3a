#include "engine/plan/trial.h"

#include <chrono>
#include <functional>
#include <span>

#include "engine/support/float_mode.h"
#include "engine/support/machine.h"

namespace patternlite {
namespace {

// Any values will do, except denormals.
void fill_up(AlignedVector<float>& tensor, std::size_t elements) {
  if (tensor.size() >= elements) return;
  tensor = AlignedVector<float>();  // nothing to move, and no more than is asked for
  tensor.reserve(elements);
  while (tensor.size() < elements) {
    tensor.push_back(static_cast<float>(tensor.size() * 2654435761u >> 8 & 0xff) / 128 - 1);
  }
}

// Reads them into this thread's caches.
void read(std::span<const float> floats) {
  constexpr std::size_t kLine = kCacheLine / sizeof(float);
  float sum = 0;
  for (std::size_t i = 0; i < floats.size(); i += kLine) sum += floats[i];
  [[maybe_unused]] volatile float kept = sum;  // or nothing would be read
}

}  // namespace

void Trial::grow(const PlanarConvolution& conv) {
  fill_up(input_, conv.input.elements());
  fill_up(output_, conv.written().elements());
}

double Trial::run_far(const PlanarConvolution& conv, const PackedConvolution& packed) {
  grow(conv);
  others_.resize(2 * second_level_cache() / sizeof(float));  // caches do not evict in strict order
  const auto crowd = [&](int) {
    read(others_);
    read({input_.data(), conv.input.elements()});
    read({output_.data(), conv.written().elements()});
  };
  parallel_.run(parallel_.threads(), std::ref(crowd));
  return run(conv, packed);
}

double Trial::run(const PlanarConvolution& conv, const PackedConvolution& packed) {
  grow(conv);
  const ScopedFloatMode mode(Denormals::kZero);  // as programs run
  const auto start = std::chrono::steady_clock::now();
  packed.run(input_.data() + conv.input.lead(), nullptr, output_.data() + conv.written().lead(),
             parallel_);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace patternlite
