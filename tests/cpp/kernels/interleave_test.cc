// to_planar and to_interleaved of every ISA, element by element.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "engine/graph/planar.h"
#include "guarded_buffer.h"
#include "isa_test.h"

namespace patternlite::test {
namespace {

class InterleaveTester {
 public:
  explicit InterleaveTester(unsigned seed) : random_(seed) {
    layout_ = {{draw(1, 40), draw(1, 12), draw(1, 33)}, draw(0, 3)};
    pixel_stride_ = layout_.shape.channels + draw(0, 1) * draw(0, 5);
    flush_ = draw(0, 1) ? Flush::kFront : Flush::kBack;
  }
  InterleaveTester(const PlanarLayout& layout, Flush flush)
      : layout_(layout), pixel_stride_(layout.shape.channels), flush_(flush) {}

  void test(const kernels::KernelTable& table, bool to_planar) {
    const Shape& shape = layout_.shape;
    // The last pixel ends with its last channel: nothing may be read or written behind it.
    const std::size_t size =
        static_cast<std::size_t>(shape.height * shape.width - 1) * pixel_stride_ + shape.channels;
    GuardedBuffer interleaved(size, flush_, kPoison), planar(layout_.elements(), flush_, kPoison);
    const auto planar_at = [&](int c, int y, int x) -> float& {
      return planar[layout_.lead() + c * layout_.plane() + y * layout_.pitch() + x];
    };
    const auto interleaved_at = [&](int c, int y, int x) -> float& {
      return interleaved[static_cast<std::size_t>(y * shape.width + x) * pixel_stride_ + c];
    };
    const auto value = [&](int c, int y, int x) { return c * 10000.0f + y * 100.0f + x; };
    const auto each = [&](const auto& visit) {
      for (int c = 0; c < shape.channels; ++c) {
        for (int y = 0; y < shape.height; ++y) {
          for (int x = 0; x < shape.width; ++x) visit(c, y, x);
        }
      }
    };
    each([&](int c, int y, int x) {
      (to_planar ? interleaved_at(c, y, x) : planar_at(c, y, x)) = value(c, y, x);
    });
    const float* from = to_planar ? interleaved.data() : planar.data() + layout_.lead();
    float* to = to_planar ? planar.data() + layout_.lead() : interleaved.data();
    (to_planar ? table.to_planar
               : table.to_interleaved)({from, to, shape.channels, pixel_stride_, shape.height,
                                        shape.width, layout_.pitch(), layout_.plane()});
    std::size_t expected = 0, written = 0;
    each([&](int c, int y, int x) {
      ++expected;
      ASSERT_EQ((to_planar ? planar_at(c, y, x) : interleaved_at(c, y, x)), value(c, y, x));
    });
    const GuardedBuffer& target = to_planar ? planar : interleaved;
    for (std::size_t i = 0; i < target.size(); ++i) written += !std::isnan(target[i]);
    ASSERT_EQ(written, expected) << "written outside";
  }

 private:
  int draw(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  std::mt19937 random_;
  PlanarLayout layout_;
  int pixel_stride_;
  Flush flush_;
};

using InterleaveTest = IsaTest;

TEST_P(InterleaveTest, Random) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    for (bool to_planar : {true, false}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + (to_planar ? " to planar" : " to interleaved"));
      InterleaveTester(seed).test(table(), to_planar);
      if (HasFailure()) return;
    }
  }
}

TEST_P(InterleaveTest, RgbImages) {
  for (int width = 1; width <= 70; ++width) {
    for (const Flush flush : {Flush::kFront, Flush::kBack}) {
      SCOPED_TRACE("width " + std::to_string(width));
      InterleaveTester({{3, 2, width}, 1}, flush).test(table(), /*to_planar=*/true);
      if (HasFailure()) return;
    }
  }
}

INSTANTIATE_ISA_TESTS(InterleaveTest);

}  // namespace
}  // namespace patternlite::test
