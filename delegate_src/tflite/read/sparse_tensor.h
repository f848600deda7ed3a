// Tensors that a file stores without their zeros.
#pragma once

#include <optional>
#include <vector>

#include "tflite/abi/abi.h"

namespace patternlite::tflite {

// The elements of a constant with `sparsity`, in row-major order, zeros included; nothing when its
// description does not hold together. T: what the tensor's type is stored as.
template <typename T>
std::optional<std::vector<T>> densify(const TfLiteTensor& tensor);

}  // namespace patternlite::tflite
