// Tensors that a file stores without their zeros.
#pragma once

#include <optional>
#include <vector>

#include "tflite/abi/abi.h"

namespace patternlite::tflite {

// The elements of a constant with `sparsity`, in row-major order, including zeros; nothing if its
// description is inconsistent. T: the type in which elements are stored.
template <typename T>
std::optional<std::vector<T>> densify(const TfLiteTensor& tensor);

}  // namespace patternlite::tflite
