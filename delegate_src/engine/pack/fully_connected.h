// Fully connected layers: a matrix times a vector, bound by the memory that holds the matrix.
#pragma once

#include <memory>

#include "engine/pack/packed_convolution.h"
#include "engine/recognise/recognise.h"

namespace patternlite {

// The non-zero weights alone where that is less to read; else all of them, in place where they
// last and lie as wanted, else copied.
std::unique_ptr<PackedConvolution> pack_fully_connected(const Convolution& conv,
                                                        const Sparsity& sparsity,
                                                        const PlanarLayout& input,
                                                        const PlanarLayout& output,
                                                        const kernels::KernelTable& kernels);

}  // namespace patternlite
