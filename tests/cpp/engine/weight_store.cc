#include "engine/weight_store.h"

#include <algorithm>
#include <cmath>

namespace patternlite::test {

Image random_image(Shape shape, std::mt19937& random) {
  std::normal_distribution<float> normal;
  Image image{shape, std::vector<float>(shape.elements())};
  for (float& value : image.values) value = normal(random);
  return image;
}

void WeightStore::fill(Convolution& conv, int filters, int channels, Pruning pruning) {
  const int area = conv.window.kernel_h * conv.window.kernel_w;
  auto weights = std::make_unique<GuardedBuffer>(
      static_cast<std::size_t>(filters) * area * channels, Flush::kBack);
  auto bias = std::make_unique<GuardedBuffer>(filters, Flush::kBack);
  // Outputs are about as large as inputs: in deep graphs, rounding stays small beside what clamps
  // let through.
  const double weights_kept = pruning.kernels_kept * channels * std::min(pruning.taps, area);
  const auto scale = static_cast<float>(1 / std::sqrt(std::max(weights_kept, 1.0)));
  std::normal_distribution<float> normal;
  std::vector<int> places(area);
  for (int i = 0; i < area; ++i) places[i] = i;
  for (int first = 0; first < filters; first += pruning.shared) {
    for (int channel = 0; channel < channels; ++channel) {
      if (std::uniform_real_distribution<>()(random) >= pruning.kernels_kept) continue;
      std::shuffle(places.begin(), places.end(), random);
      const int last = std::min(first + pruning.shared, filters);
      for (int filter = first; filter < last; ++filter) {
        for (int k = 0; k < std::min(pruning.taps, area); ++k) {
          (*weights)[(static_cast<std::size_t>(filter) * area + places[k]) * channels + channel] =
              scale * normal(random);
        }
      }
    }
  }
  for (int filter = 0; filter < filters; ++filter) (*bias)[filter] = normal(random);
  conv.weights = {.data = weights->data(),
                  .filter_stride = static_cast<std::ptrdiff_t>(area) * channels,
                  .channel_stride = 1,
                  .row_stride = static_cast<std::ptrdiff_t>(conv.window.kernel_w) * channels,
                  .column_stride = channels};
  conv.bias = bias->data();
  arrays_.push_back(std::move(weights));
  arrays_.push_back(std::move(bias));
}

Shape window_shape(const Shape& input, int channels, const Window& w, int pad_bottom,
                   int pad_right) {
  const auto extent = [](int size, int before, int after, int kernel, int dilation, int stride) {
    return (size + before + after - (kernel - 1) * dilation - 1) / stride + 1;
  };
  return {channels,
          extent(input.height, w.pad_top, pad_bottom, w.kernel_h, w.dilation_h, w.stride_h),
          extent(input.width, w.pad_left, pad_right, w.kernel_w, w.dilation_w, w.stride_w)};
}

}  // namespace patternlite::test
