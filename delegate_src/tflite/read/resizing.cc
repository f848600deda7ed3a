// GraphReader's translation of the operators that scale maps.
#include <algorithm>
#include <cmath>

#include "tflite/read/graph_reader.h"

namespace patternlite::tflite {
namespace {

float scale_of(int input, int output, const TfLiteResizeParams& params) {
  const bool corners = params.align_corners && output > 1;
  return corners ? static_cast<float>(input - 1) / static_cast<float>(output - 1)
                 : static_cast<float>(input) / static_cast<float>(output);
}

// Which of `input` cells along one axis each of `output` cells shows. TFLite's rule, in its
// precision, as that of blended() is.
std::vector<int> nearest(int input, int output, const TfLiteResizeParams& params) {
  const float scale = scale_of(input, output, params);
  const float offset = params.half_pixel_centers ? 0.5f : 0.0f;
  std::vector<int> cells(output);
  for (int i = 0; i < output; ++i) {
    const float at = (static_cast<float>(i) + offset) * scale;
    const auto cell = static_cast<int>(params.align_corners ? std::round(at) : std::floor(at));
    cells[i] = std::clamp(cell, 0, input - 1);
  }
  return cells;
}

std::vector<Blend> blended(int input, int output, const TfLiteResizeParams& params) {
  const float scale = scale_of(input, output, params);
  const float offset = params.half_pixel_centers ? 0.5f : 0.0f;
  std::vector<Blend> cells(output);
  for (int i = 0; i < output; ++i) {
    const float at = std::max(0.0f, (static_cast<float>(i) + offset) * scale - offset);
    const int first = std::min(static_cast<int>(at), input - 1);
    cells[i] = {first, std::min(first + 1, input - 1), at - static_cast<float>(first)};
  }
  return cells;
}

}  // namespace

void GraphReader::add_resize(const OpNode& node) {
  const Value input = unpadded_value(node, 0);
  const std::vector<int> size = constant_ints(node, 1);
  if (input.dims.size() != 4 || size.size() != 2) throw Declined(node.index, "rank");
  if (std::ranges::any_of(size, [](int cells) { return cells < 1 || cells > kMostCells; })) {
    throw Declined(node.index, "size");
  }
  const auto& params = node.params_as<TfLiteResizeParams>();
  const Shape shape = shape_of(input);
  Value& output = define_moved(node, input, {shape.channels, size[0], size[1]},
                               {input.batch, size[0], size[1], shape.channels});
  output.fixed_size = true;
  const auto resize = [&]() -> Operator {
    if (node.builtin_code == kTfLiteBuiltinResizeBilinear) {
      return BilinearResize{input.id, output.id, blended(shape.height, size[0], params),
                            blended(shape.width, size[1], params)};
    }
    return Resize{input.id, output.id, nearest(shape.height, size[0], params),
                  nearest(shape.width, size[1], params)};
  };
  push(node, resize());
}

}  // namespace patternlite::tflite
