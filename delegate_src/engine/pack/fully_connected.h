// Fully connected layers: a matrix times a vector, limited by the memory that holds the matrix.
#pragma once

#include <memory>

#include "engine/pack/packed_convolution.h"
#include "engine/recognise/recognise.h"

namespace patternlite {

// Keeps only the non-zero weights if that is less to read; otherwise all of them, in place if they
// last and have the right layout, or else copied.
std::unique_ptr<PackedConvolution> pack_fully_connected(const Convolution& conv,
                                                        const Sparsity& sparsity,
                                                        const PlanarLayout& input,
                                                        const PlanarLayout& output,
                                                        const kernels::KernelTable& kernels);

}  // namespace patternlite
