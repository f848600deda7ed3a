// split_phases of every ISA: what taps of a window of stride 2 find where PhaseSplit says.
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/graph/graph.h"
#include "engine/graph/phase_split.h"
#include "isa_test.h"
#include "sparse_problem.h"

namespace patternlite::test {
namespace {

using SplitPhasesTest = IsaTest;

// A map of random size, a window over it that keeps half of it, and a layout that has room for it.
struct Layer {
  explicit Layer(SparseProblem& p)
      : window{p.draw(1, 5), p.draw(1, 5), 2, 2, p.draw(1, 2), p.draw(1, 2)} {
    window.pad_top = p.draw(0, (window.kernel_h - 1) * window.dilation_h);
    window.pad_left = p.draw(0, (window.kernel_w - 1) * window.dilation_w);
    p.in = {{p.draw(1, 9), p.draw(1, 33), p.draw(1, 33)}, 0};
    p.out = {{1, (p.in.shape.height + 1) / 2, (p.in.shape.width + 1) / 2}, 0};
    p.in.border = p.out.border = required_border(window, p.in.shape, p.out.shape) + p.draw(0, 2);
    p.in.whole_lines = p.out.whole_lines = p.chance(0.25);
    p.allocate(/*special_values=*/false);
  }
  Window window;
};

TEST_P(SplitPhasesTest, Random) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SparseProblem p(seed);
    const Window w = Layer(p).window;
    ASSERT_TRUE(PhaseSplit::possible(w, p.out));
    const PhaseSplit split(w, p.in, p.out);
    GuardedBuffer memory(split.floats(), p.chance(0.5) ? Flush::kFront : Flush::kBack, kPoison);
    const int first = p.draw(0, p.out.shape.height - 1),
              last = p.draw(first + 1, p.out.shape.height);
    table().split_phases(split.task(p.input(), memory.data(), first, last));
    const int area = w.kernel_h * w.kernel_w;
    for (int tap = 0; tap < p.in.shape.channels * area; ++tap) {
      const int channel = tap / area, place = tap % area;
      const int dy = place / w.kernel_w * w.dilation_h - w.pad_top;
      const int dx = place % w.kernel_w * w.dilation_w - w.pad_left;
      for (int y = first; y < last; ++y) {
        for (int x = 0; x < p.out.shape.width; ++x) {
          const std::ptrdiff_t at =
              channel * p.in.plane() + std::ptrdiff_t{2 * y + dy} * p.in.pitch() + 2 * x + dx;
          ASSERT_EQ(memory[split.tap_offset(tap) + y * p.out.pitch() + x], p.input()[at])
              << "channel " << channel << ", tap " << place << ", row " << y << ", column " << x;
        }
      }
    }
  }
}

INSTANTIATE_ISA_TESTS(SplitPhasesTest);

}  // namespace
}  // namespace patternlite::test
