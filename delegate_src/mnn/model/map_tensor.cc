#include "mnn/model/map_tensor.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine/execute/steps.h"
#include "engine/pack/planes.h"

namespace patternlite::mnn {
namespace {

struct Block {
  float* data;
  int first_channel, channels;
};

int blocks_of(const MapTensor& tensor) {
  return (tensor.shape.channels + tensor.pack - 1) / tensor.pack;
}

std::size_t block_elements(const MapTensor& tensor) {
  return static_cast<std::size_t>(tensor.shape.height) * tensor.shape.width * tensor.pack;
}

Block block_of(const MapTensor& tensor, int image, int block) {
  const std::size_t index = static_cast<std::size_t>(block) * tensor.batch + image;
  const int first = block * tensor.pack;
  return {tensor.data + index * block_elements(tensor), first,
          std::min(tensor.pack, tensor.shape.channels - first)};
}

kernels::Interleave interleave(const MapTensor& tensor, const Block& block,
                               const PlanarLayout& layout) {
  kernels::Interleave task = interleave_of(layout);
  task.channels = block.channels;
  task.pixel_stride = tensor.pack;
  return task;
}

float* image_of(const MapTensor& tensor, int image) {
  return tensor.data + image * tensor.shape.elements();
}

float* plane_of(const MapTensor& tensor, int image, int channel) {
  const auto plane = static_cast<std::size_t>(tensor.shape.height) * tensor.shape.width;
  return image_of(tensor, image) + channel * plane;
}

// Of one channel.
void copy_rows(const float* from, std::ptrdiff_t from_pitch, float* to, std::ptrdiff_t to_pitch,
               const Shape& shape) {
  for (int y = 0; y < shape.height; ++y) {
    std::memcpy(to + y * to_pitch, from + y * from_pitch, shape.width * sizeof(float));
  }
}

abi::DimensionFormat format_of(const EngineHandle& engine, const abi::Tensor& tensor) {
  return abi::field<abi::DimensionFormat>(engine->describe(&tensor), abi::kDescribeDimensionFormat);
}

bool is_float(const EngineHandle& engine, const abi::Tensor& tensor) {
  return tensor.type.code == abi::kFloat32.code && tensor.type.bits == abi::kFloat32.bits &&
         !abi::field<const void*>(engine->describe(&tensor), abi::kDescribeQuantAttr);
}

}  // namespace

std::optional<MapTensor> map_tensor(const EngineHandle& engine, const abi::Tensor& tensor) {
  return is_float(engine, tensor) ? any_map(engine, tensor) : std::nullopt;
}

std::optional<MapTensor> any_map(const EngineHandle& engine, const abi::Tensor& tensor) {
  const abi::DimensionFormat format = format_of(engine, tensor);
  if (format == abi::kFormatNc4hw4) {
    return tensor.dimensions == 4 ? std::optional(blocked_tensor(tensor)) : std::nullopt;
  }
  const bool channels_last = format == abi::kFormatNhwc;
  if (!channels_last && format != abi::kFormatNchw) return std::nullopt;
  std::vector<int> sizes;
  for (int axis = 0; axis < tensor.dimensions; ++axis) sizes.push_back(tensor.dim[axis].extent);
  // What is no image and no channel can go from among the others.
  while (sizes.size() > 4) {
    const auto last = sizes.end() - (channels_last ? 1 : 0);
    const auto one = std::find(sizes.begin() + 1, last, 1);
    if (one == last) return std::nullopt;
    sizes.erase(one);
  }
  if (sizes.size() != 4) return std::nullopt;
  MapTensor map{.data = reinterpret_cast<float*>(tensor.host), .batch = sizes[0]};
  if (channels_last) {
    map.order = MapOrder::kChannelsLast;
    map.shape = {sizes[3], sizes[1], sizes[2]};
  } else {
    map.order = MapOrder::kPlanar;
    map.shape = {sizes[1], sizes[2], sizes[3]};
  }
  return map;
}

bool is_blocked_float(const EngineHandle& engine, const abi::Tensor& tensor) {
  return tensor.dimensions == 4 && is_float(engine, tensor) &&
         format_of(engine, tensor) == abi::kFormatNc4hw4;
}

MapTensor blocked_tensor(const abi::Tensor& tensor) {
  return {.data = reinterpret_cast<float*>(tensor.host),
          .batch = tensor.dim[0].extent,
          .shape = {tensor.dim[1].extent, tensor.dim[2].extent, tensor.dim[3].extent},
          .order = MapOrder::kBlocked};
}

const std::vector<abi::Region>& regions_of(const EngineHandle& engine, const abi::Tensor& output) {
  return *reinterpret_cast<const std::vector<abi::Region>*>(
      static_cast<const char*>(engine->describe(&output)) + abi::kDescribeRegions);
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

void to_planar(const MapTensor& from, int image, float* to, const PlanarLayout& layout,
               const kernels::KernelTable& kernels, Parallel& parallel) {
  switch (from.order) {
    case MapOrder::kBlocked:
      return parallel.run(blocks_of(from), [&](int index) {
        const Block block = block_of(from, image, index);
        kernels::Interleave task = interleave(from, block, layout);
        task.input = block.data;
        task.output = to + block.first_channel * layout.plane();
        kernels.to_planar(task);
      });
    case MapOrder::kChannelsLast:
      return make_input_step(layout, to, kernels)->run(image_of(from, image), parallel);
    case MapOrder::kPlanar:
      return parallel.run(from.shape.channels, [&](int channel) {
        copy_rows(plane_of(from, image, channel), from.shape.width, to + channel * layout.plane(),
                  layout.pitch(), from.shape);
      });
  }
}

void from_planar(const float* from, const PlanarLayout& layout, const MapTensor& to, int image,
                 const kernels::KernelTable& kernels, Parallel& parallel) {
  switch (to.order) {
    case MapOrder::kBlocked:
      return parallel.run(blocks_of(to), [&](int index) {
        const Block block = block_of(to, image, index);
        if (block.channels < to.pack) {
          std::memset(block.data, 0, block_elements(to) * sizeof(float));
        }
        kernels::Interleave task = interleave(to, block, layout);
        task.input = from + block.first_channel * layout.plane();
        task.output = block.data;
        kernels.to_interleaved(task);
      });
    case MapOrder::kChannelsLast:
      return make_output_step(layout, from, kernels)->run(image_of(to, image), parallel);
    case MapOrder::kPlanar:
      return parallel.run(to.shape.channels, [&](int channel) {
        copy_rows(from + channel * layout.plane(), layout.pitch(), plane_of(to, image, channel),
                  to.shape.width, to.shape);
      });
  }
}

}  // namespace patternlite::mnn
