#include "sparse_weights.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace patternlite {
namespace {

constexpr int kPatterns[8][4] = {{0, 1, 3, 4}, {1, 2, 4, 5}, {3, 4, 6, 7}, {4, 5, 7, 8},
                                 {1, 3, 4, 5}, {1, 4, 5, 7}, {3, 4, 5, 7}, {1, 3, 4, 7}};
constexpr int kChunkBlock = 128;

class Generator {
 public:
  Generator(int filters, int channels, int density)
      : channels_(channels),
        keep_(9.0 / 4 / density),
        weights_(static_cast<std::size_t>(filters) * channels * 9) {}

  // `count` filters from `first` on, `size` at a time.
  void groups(int first, int count, int size) {
    for (int filter = first; filter < first + count; filter += size) {
      for (int channel = 0; channel < channels_; ++channel) {
        if (!std::bernoulli_distribution(keep_)(random_)) continue;
        const auto& pattern = kPatterns[random_() % 8];
        for (int f = filter; f < filter + size; ++f) keep(f, channel, pattern);
      }
    }
  }

  void chunks(int first, int count, int size) {
    std::vector<int> filters(count);
    std::iota(filters.begin(), filters.end(), first);
    for (int channel = 0; channel < channels_; ++channel) {
      std::shuffle(filters.begin(), filters.end(), random_);
      for (int at = 0; at + size <= count; at += size) {
        if (!std::bernoulli_distribution(keep_)(random_)) continue;
        const auto& pattern = kPatterns[random_() % 8];
        for (int i = at; i < at + size; ++i) keep(filters[i], channel, pattern);
      }
    }
  }

  std::vector<float> take() { return std::move(weights_); }

 private:
  void keep(int filter, int channel, const int (&pattern)[4]) {
    for (int tap : pattern) {
      weights_[(static_cast<std::size_t>(filter) * channels_ + channel) * 9 + tap] =
          std::uniform_real_distribution<float>(0.01f, 0.1f)(random_);
    }
  }

  int channels_;
  double keep_;
  std::mt19937 random_{7};
  std::vector<float> weights_;
};

}  // namespace

std::vector<float> sparse_weights(int filters, int channels, int density,
                                  const Structure& structure) {
  Generator generator(filters, channels, density);
  if (structure.kind == Structure::kGroup) {
    generator.groups(0, filters, structure.size);
  } else {
    for (int first = 0; first < filters; first += kChunkBlock) {
      generator.chunks(first, std::min(kChunkBlock, filters - first), structure.size);
    }
  }
  return generator.take();
}

}  // namespace patternlite
