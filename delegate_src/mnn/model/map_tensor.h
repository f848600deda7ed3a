// MNN's tensors that hold maps: their layouts, and conversion to planar memory and back.
#pragma once

#include <optional>
#include <vector>

#include "engine/graph/planar.h"
#include "engine/support/parallel.h"
#include "kernels/kernels.h"
#include "mnn/abi/engine_handle.h"

namespace patternlite::mnn {

enum class MapOrder {
  kBlocked,       // [channels / P][batch][height][width][P]: P channels interleaved
  kChannelsLast,  // [batch][height][width][channels]
  kPlanar,        // [batch][channels][height][width]
};

struct MapTensor {
  float* data = nullptr;
  int batch = 0;
  Shape shape;  // of one image
  MapOrder order = MapOrder::kBlocked;
  int pack = 0;  // P
};

// Describes a float tensor of four dimensions, or more if the others have size 1; nothing for other
// tensors, by MNN's description. Its memory exists only while the session runs.
std::optional<MapTensor> map_tensor(const EngineHandle& engine, const abi::Tensor& tensor);
// The same for a tensor with elements of any type.
std::optional<MapTensor> any_map(const EngineHandle& engine, const abi::Tensor& tensor);

// Whether the tensor is a blocked one of four dimensions.
bool is_blocked_float(const EngineHandle& engine, const abi::Tensor& tensor);

// Describes such a tensor.
MapTensor blocked_tensor(const abi::Tensor& tensor);

// The regions from which a Raster makes its output.
const std::vector<abi::Region>& regions_of(const EngineHandle& engine, const abi::Tensor& output);

// The P of a backend's blocked tensors, found by letting it convert one; 0 if they are not float32.
int probe_pack(const EngineHandle& engine, abi::Backend* backend);

// Copies image `image` of the batch into a planar tensor whose borders are zero.
void to_planar(const MapTensor& from, int image, float* to, const PlanarLayout& layout,
               const kernels::KernelTable& kernels, Parallel& parallel);
// And back. Lanes beyond the last channel become zero, as MNN's own kernels leave them.
void from_planar(const float* from, const PlanarLayout& layout, const MapTensor& to, int image,
                 const kernels::KernelTable& kernels, Parallel& parallel);

}  // namespace patternlite::mnn
