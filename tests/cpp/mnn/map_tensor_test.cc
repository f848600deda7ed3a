// MNN's tensors to planar memory and back, element by element, in every order and ISA.
#include "mnn/model/map_tensor.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "engine/planar.h"
#include "engine/support/thread_pool.h"
#include "kernels/isa_test.h"

namespace patternlite::mnn {
namespace {

using test::Flush;
using test::GuardedBuffer;
using test::Image;
using test::kPoison;
using test::Planar;

int draw(std::mt19937& random, int least, int most) {
  return std::uniform_int_distribution(least, most)(random);
}

MapTensor random_tensor(std::mt19937& random, MapOrder order) {
  MapTensor tensor{.batch = draw(random, 1, 3),
                   .shape = {draw(random, 1, 40), draw(random, 1, 9), draw(random, 1, 33)},
                   .order = order};
  if (order == MapOrder::kBlocked) tensor.pack = 4 << draw(random, 0, 2);
  return tensor;
}

// Channels that are stored: of whole blocks, if there are blocks.
int stored_channels(const MapTensor& tensor) {
  return tensor.pack ? PlanarLayout::round_up(tensor.shape.channels, tensor.pack)
                     : tensor.shape.channels;
}

std::size_t index_of(const MapTensor& tensor, int image, int c, int y, int x) {
  const auto [channels, height, width] = tensor.shape;
  const auto at = [](int major, int size, int minor) { return major * size + minor; };
  switch (tensor.order) {
    case MapOrder::kBlocked: {
      const int block = at(c / tensor.pack, tensor.batch, image);
      return at(at(at(block, height, y), width, x), tensor.pack, c % tensor.pack);
    }
    case MapOrder::kChannelsLast:
      return at(at(at(image, height, y), width, x), channels, c);
    case MapOrder::kPlanar:
      return at(at(at(image, channels, c), height, y), width, x);
  }
  return 0;
}

class MapTensorTest : public test::IsaTest {
 protected:
  // Calls test(tensor, its layout in planar memory, its memory, which is poisoned).
  template <typename Test>
  static void for_random_tensors(const Test& test) {
    for (unsigned seed = 0; seed < 300; ++seed) {
      SCOPED_TRACE(seed);
      std::mt19937 random(seed);
      MapTensor tensor = random_tensor(random, static_cast<MapOrder>(seed % 3));
      const PlanarLayout layout{tensor.shape, draw(random, 0, 3)};
      const Shape stored{stored_channels(tensor), tensor.shape.height, tensor.shape.width};
      GuardedBuffer memory(tensor.batch * stored.elements(),
                           draw(random, 0, 1) ? Flush::kFront : Flush::kBack, kPoison);
      tensor.data = memory.data();
      test(tensor, layout, memory);
      if (testing::Test::HasFatalFailure()) return;
    }
  }

  // Calls visit(image, channel, row, column, a value that is like no other).
  template <typename Visit>
  static void for_each(const MapTensor& tensor, const Visit& visit) {
    float value = 0;
    for (int image = 0; image < tensor.batch; ++image) {
      for (int c = 0; c < tensor.shape.channels; ++c) {
        for (int y = 0; y < tensor.shape.height; ++y) {
          for (int x = 0; x < tensor.shape.width; ++x) visit(image, c, y, x, ++value);
        }
      }
    }
  }

  const std::shared_ptr<Parallel> parallel_ = make_thread_pool(2);
};

TEST_P(MapTensorTest, BecomesPlanar) {
  for_random_tensors([&](const MapTensor& tensor, const PlanarLayout& layout, auto& memory) {
    for_each(tensor, [&](int image, int c, int y, int x, float value) {
      memory[index_of(tensor, image, c, y, x)] = value;
    });
    std::vector<Image> images;
    for (int image = 0; image < tensor.batch; ++image) {
      Planar planar(layout);
      to_planar(tensor, image, planar.origin(), layout, table(), *parallel_);
      ASSERT_TRUE(planar.borders_zero());
      images.push_back(planar.get());
    }
    for_each(tensor, [&](int image, int c, int y, int x, float value) {
      ASSERT_EQ(images[image].at(c, y, x), value) << image << " " << c << " " << y << " " << x;
    });
  });
}

// MNN's kernels multiply lanes beyond the last channel by zero, which does not hide a NaN.
TEST_P(MapTensorTest, IsMadeOfPlanesWithZerosBeyondTheLastChannel) {
  for_random_tensors([&](const MapTensor& tensor, const PlanarLayout& layout, auto& memory) {
    std::vector<Image> images(tensor.batch,
                              Image{tensor.shape, std::vector<float>(tensor.shape.elements())});
    std::vector<float> expected(memory.size(), 0);
    for_each(tensor, [&](int image, int c, int y, int x, float value) {
      images[image].at(c, y, x) = value;
      expected[index_of(tensor, image, c, y, x)] = value;
    });
    for (int image = 0; image < tensor.batch; ++image) {
      Planar planar(layout);
      planar.set(images[image]);
      from_planar(planar.origin(), layout, tensor, image, table(), *parallel_);
    }
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(memory[i], expected[i]) << i;
  });
}

INSTANTIATE_ISA_TESTS(MapTensorTest);

}  // namespace
}  // namespace patternlite::mnn
