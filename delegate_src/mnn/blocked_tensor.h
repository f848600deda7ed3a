// MNN's blocked activations: [channels / P][batch][height][width][P] floats, P channels
// interleaved.
#pragma once

#include "engine/graph/planar.h"
#include "engine/support/parallel.h"
#include "kernels/kernels.h"
#include "mnn/engine_handle.h"

namespace patternlite::mnn {

struct BlockedTensor {
  float* data = nullptr;
  int batch = 0;
  Shape shape;   // of one image
  int pack = 0;  // P
};

// Whether the tensor is blocked float32 of four dimensions, as far as MNN describes it.
bool is_blocked_float(const EngineHandle& engine, const abi::Tensor& tensor);

// Of a tensor that is; its memory exists only while the session runs.
BlockedTensor blocked_tensor(const abi::Tensor& tensor, int pack);

// The P of a backend's blocked tensors, found by letting it convert one; 0 if they are not float32.
int probe_pack(const EngineHandle& engine, abi::Backend* backend);

// Image `image` of the batch, into a planar tensor whose borders are zero.
void to_planar(const BlockedTensor& from, int image, float* to, const PlanarLayout& layout,
               const kernels::KernelTable& kernels, Parallel& parallel);
// And back; lanes beyond the last channel become zero, as MNN's own kernels leave them.
void from_planar(const float* from, const PlanarLayout& layout, const BlockedTensor& to, int image,
                 const kernels::KernelTable& kernels, Parallel& parallel);

}  // namespace patternlite::mnn
