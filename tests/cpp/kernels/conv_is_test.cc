// The IS kernels of every ISA against the naive convolution.
#include <gtest/gtest.h>

#include <algorithm>

#include "is_pack.h"
#include "isa_test.h"
#include "sparse_problem.h"

namespace patternlite::test {
namespace {

class ConvIsTester {
 public:
  explicit ConvIsTester(unsigned seed) : problem_(seed) {
    SparseProblem& p = problem_;
    p.in = {{p.draw(1, 20), p.draw(1, 33), p.draw(1, 33)}, p.draw(0, 2)};
    block_filters_ = p.draw(1, 40);  // with few patterns, more of a kind than a record takes
    filters_ = p.draw(1, 48);
    density_ = p.chance(0.2) ? 0.02 : p.chance(0.3) ? 1 : 0.4;
    if (p.chance(0.5)) p.low = -0.4f, p.high = 0.7f;
    p.with_residual = p.chance(0.5);
    stride(p.draw(1, 3), p.draw(1, 3));
  }
  ConvIsTester& stride(int y, int x) {
    problem_.stride_y = y;
    problem_.stride_x = x;
    return *this;
  }
  ConvIsTester& density(double share) {
    density_ = share;
    return *this;
  }
  ConvIsTester& map(int height, int width, int border) {
    problem_.in.shape.height = height;
    problem_.in.shape.width = width;
    problem_.in.border = border;
    return *this;
  }

  ConvIsTester& in_place(bool yes) {
    in_place_ = yes;
    return yes ? stride(1, 1) : *this;
  }

  void test(const kernels::KernelTable& table) {
    SparseProblem& p = problem_;
    p.out = {{filters_ + 1, (p.in.shape.height - 1) / p.stride_y + 1,
              (p.in.shape.width - 1) / p.stride_x + 1},
             in_place_ ? p.in.border : p.draw(0, 2)};
    p.in.whole_lines = p.out.whole_lines = p.chance(0.25);
    make_taps();
    make_kernels();
    p.allocate(p.chance(0.3));

    const int positions = in_place_ ? PlanarLayout::round_up(p.out.positions(), 8)
                                    : p.out.shape.height * p.out.shape.width;
    const int tile = std::min(table.is_positions, PlanarLayout::round_up(positions, table.lanes));
    const int taps = static_cast<int>(taps_.size());
    std::vector<std::int32_t> tap_offset, out_plane;
    std::vector<float> bias;
    for (const Tap& tap : taps_) tap_offset.push_back(tap.dy * p.in.pitch() + tap.dx);
    const InPlace place{tap_offset, p.in.plane()};
    const PackedIs packed(kernels_, filters_, p.in.shape.channels, taps, block_filters_, tile,
                          in_place_ ? &place : nullptr);
    const std::vector<std::int32_t> mask = p.position_mask();
    for (const Group& group : p.groups) {
      bias.push_back(group.bias[0]);
      out_plane.push_back(group.plane[0] < 0 ? -1
                                             : group.plane[0] * static_cast<int>(p.out.plane()));
    }
    // 64-byte aligned and exactly as large as promised.
    const int largest_block = std::min(block_filters_, filters_);
    const int gathered = in_place_ ? 0 : kernels::kIsChannels * taps + 1;
    GuardedBuffer scratch(PlanarLayout::round_up((gathered + largest_block) * tile, 16),
                          Flush::kBack, kPoison);
    const kernels::IsStream stream{p.in.shape.channels,
                                   p.in.plane(),
                                   taps,
                                   tap_offset.data(),
                                   packed.words.data(),
                                   packed.block_start.data(),
                                   packed.record_count.data(),
                                   packed.filter_start.data(),
                                   bias.data(),
                                   out_plane.data()};
    const bool fetches = in_place_ && p.chance(0.5);
    const kernels::FetchAhead ahead{fetches ? p.in.shape.channels : 0, p.in.plane(), 3};
    const auto kernel = in_place_ ? table.conv_is_in_place : table.conv_is;
    const auto run = [&](int block_begin, int block_end, int begin, int end) {
      kernel({p.input(), p.output(), stream, p.epilogue(), in_place_ ? mask.data() : nullptr, ahead,
              scratch.data(), tile, p.stride_y * p.in.pitch(), p.stride_x, p.out.pitch(),
              p.out.shape.width, block_begin, block_end, begin, end});
    };
    const int blocks = static_cast<int>(packed.block_start.size());
    run(0, blocks, 0, positions);
    p.check(/*zeroed=*/in_place_ ? positions : 0);
    check_splits(p, blocks, positions, 16, run);
  }

 private:
  void make_taps() {
    const int border = problem_.in.border;
    for (int dy = -border; dy <= border; ++dy) {
      for (int dx = -border; dx <= border; ++dx) taps_.push_back({0, dy, dx});
    }
  }

  void make_kernels() {
    SparseProblem& p = problem_;
    const int taps = static_cast<int>(taps_.size());
    std::vector<std::array<int, 4>> patterns(3);
    for (auto& pattern : patterns) {
      const int count = !in_place_ && p.chance(0.3) ? p.draw(1, 3) : 4;
      pattern.fill(kNoTap);
      for (int t = 0; t < count; ++t) pattern[t] = p.draw(0, taps - 1);
    }
    for (int f = 0; f < filters_; ++f) {
      Group group{{}, {}, {p.real()}, {p.chance(0.1) ? -1 : (f + 1) % (filters_ + 1)}};
      for (int c = 0; c < p.in.shape.channels; ++c) {
        if (!p.chance(density_)) continue;
        IsKernel kernel{f, c, patterns[p.draw(0, 2)], {}};
        for (int t = 0; t < 4 && kernel.tap[t] != kNoTap; ++t) {
          kernel.weight[t] = p.chance(0.2) ? 0.0f : p.real();
          const Tap& tap = taps_[kernel.tap[t]];
          group.taps.push_back({c, tap.dy, tap.dx});
          group.weights.push_back(kernel.weight[t]);
        }
        kernels_.push_back(kernel);
      }
      p.groups.push_back(group);
    }
  }

  SparseProblem problem_;
  int filters_, block_filters_;
  double density_;
  bool in_place_ = false;
  std::vector<Tap> taps_;
  std::vector<IsKernel> kernels_;
};

using ConvIsTest = IsaTest;

TEST_P(ConvIsTest, Random) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ConvIsTester(seed).test(table());
    if (HasFailure()) return;
  }
}

TEST_P(ConvIsTest, InPlace) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ConvIsTester(seed).in_place(true).test(table());
    if (HasFailure()) return;
  }
}

// Tiles that gather from one, two and many rows.
TEST_P(ConvIsTest, EveryWidth) {
  for (int width = 1; width <= 40; ++width) {
    for (int stride : {1, 2}) {
      SCOPED_TRACE("width " + std::to_string(width) + " stride " + std::to_string(stride));
      ConvIsTester(width).map(width % 13 + 1, width, 1).stride(stride, stride).test(table());
      if (HasFailure()) return;
    }
  }
}

// Without a single record, the bias is left.
TEST_P(ConvIsTest, EmptyFilters) {
  for (unsigned seed = 0; seed < 10; ++seed) ConvIsTester(seed).density(0).test(table());
}

INSTANTIATE_ISA_TESTS(ConvIsTest);

}  // namespace
}  // namespace patternlite::test
