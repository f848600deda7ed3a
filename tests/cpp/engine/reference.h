// A graph run the plainest way, in double precision: what every test of the engine compares with.
#pragma once

#include <vector>

#include "engine/graph/graph.h"

namespace patternlite::test {

// One image, NHWC without the N.
struct Image {
  Shape shape;
  std::vector<float> values;
  float& at(int c, int y, int x) {
    return values[(static_cast<std::size_t>(y) * shape.width + x) * shape.channels + c];
  }
  float at(int c, int y, int x) const { return const_cast<Image*>(this)->at(c, y, x); }
};

// What happens to weights that are zero: it matters where the input is NaN or infinite.
enum class Zeros { kSkip, kMultiply };

std::vector<Image> run_reference(const Graph& graph, const std::vector<Image>& inputs,
                                 Zeros zeros = Zeros::kSkip);

// Largest difference, relative to the reference's largest magnitude. NaN anywhere counts as
// infinite.
double relative_error(const Image& reference, const Image& actual);

}  // namespace patternlite::test
