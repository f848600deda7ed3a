#include "mnn/blocked_tensor.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace patternlite::mnn {
namespace {

struct Block {
  float* data;
  int first_channel, channels;
};

int blocks_of(const BlockedTensor& tensor) {
  return (tensor.shape.channels + tensor.pack - 1) / tensor.pack;
}

std::size_t block_elements(const BlockedTensor& tensor) {
  return static_cast<std::size_t>(tensor.shape.height) * tensor.shape.width * tensor.pack;
}

Block block_of(const BlockedTensor& tensor, int image, int block) {
  const std::size_t index = static_cast<std::size_t>(block) * tensor.batch + image;
  const int first = block * tensor.pack;
  return {tensor.data + index * block_elements(tensor), first,
          std::min(tensor.pack, tensor.shape.channels - first)};
}

kernels::Interleave interleave(const BlockedTensor& tensor, const Block& block,
                               const PlanarLayout& layout) {
  return {.input = nullptr,
          .output = nullptr,
          .channels = block.channels,
          .pixel_stride = tensor.pack,
          .height = layout.shape.height,
          .width = layout.shape.width,
          .pitch = layout.pitch(),
          .plane = layout.plane()};
}

}  // namespace

bool is_blocked_float(const EngineHandle& engine, const abi::Tensor& tensor) {
  if (tensor.dimensions != 4 || tensor.type.code != abi::kFloat32.code ||
      tensor.type.bits != abi::kFloat32.bits) {
    return false;
  }
  const void* describe = engine->describe(&tensor);
  return abi::field<abi::DimensionFormat>(describe, abi::kDescribeDimensionFormat) ==
             abi::kFormatNc4hw4 &&
         !abi::field<const void*>(describe, abi::kDescribeQuantAttr);
}

BlockedTensor blocked_tensor(const abi::Tensor& tensor, int pack) {
  return {.data = reinterpret_cast<float*>(tensor.host),
          .batch = tensor.dim[0].extent,
          .shape = {tensor.dim[1].extent, tensor.dim[2].extent, tensor.dim[3].extent},
          .pack = pack};
}

int probe_pack(const EngineHandle& engine, abi::Backend* backend) {
  constexpr int kChannels = 64, kWidth = 2;
  const std::vector<int> shape = {1, kChannels, 1, kWidth};
  std::vector<float> ramp(kChannels * kWidth);
  std::iota(ramp.begin(), ramp.end(), 1.0f);
  using Owner = std::unique_ptr<abi::Tensor, void (*)(abi::Tensor*)>;
  const Owner plain(engine->create_host_tensor(shape, abi::kFloat32, ramp.data(), abi::kNchw),
                    engine->destroy_tensor);
  const Owner blocked(engine->create_device_tensor(shape, abi::kFloat32, abi::kNc4hw4),
                      engine->destroy_tensor);
  if (!plain || !blocked || !is_blocked_float(engine, *blocked) ||
      !engine->acquire_buffer(backend, blocked.get(), abi::kStatic)) {
    return 0;
  }
  int pack = 0;
  if (const auto* memory = reinterpret_cast<const float*>(blocked->host)) {
    abi::slot<abi::CopyBufferFunction>(backend, abi::kBackendCopyBuffer)(backend, plain.get(),
                                                                         blocked.get());
    // Half of the channels: were they 2 bytes wide, no more memory would be there.
    auto holds = [&](int p) {
      for (int c = 0; c < kChannels / 2; ++c) {
        for (int x = 0; x < kWidth; ++x) {
          if (memory[(c / p * kWidth + x) * p + c % p] != ramp[c * kWidth + x]) return false;
        }
      }
      return true;
    };
    for (int p : {4, 8, 16}) {
      if (holds(p)) pack = p;
    }
  }
  engine->release_buffer(backend, blocked.get(), abi::kStatic);
  return pack;
}

void to_planar(const BlockedTensor& from, int image, float* to, const PlanarLayout& layout,
               const kernels::KernelTable& kernels, Parallel& parallel) {
  parallel.run(blocks_of(from), [&](int index) {
    const Block block = block_of(from, image, index);
    kernels::Interleave task = interleave(from, block, layout);
    task.input = block.data;
    task.output = to + block.first_channel * layout.plane();
    kernels.to_planar(task);
  });
}

void from_planar(const float* from, const PlanarLayout& layout, const BlockedTensor& to, int image,
                 const kernels::KernelTable& kernels, Parallel& parallel) {
  parallel.run(blocks_of(to), [&](int index) {
    const Block block = block_of(to, image, index);
    if (block.channels < to.pack) std::memset(block.data, 0, block_elements(to) * sizeof(float));
    kernels::Interleave task = interleave(to, block, layout);
    task.input = from + block.first_channel * layout.plane();
    task.output = block.data;
    kernels.to_interleaved(task);
  });
}

}  // namespace patternlite::mnn
