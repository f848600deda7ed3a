// Packs a convolution, runs it on 1 and 3 threads and by rows, and judges it by the reference:
// right, equal to the bit, borders intact.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/pack/packed_convolution.h"
#include "engine/planar.h"
#include "engine/random_convolution.h"
#include "engine/reference.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"
#include "engine/weight_store.h"
#include "kernels/bits.h"

namespace patternlite::test {

inline bool same_bits(const Image& a, const Image& b) {
  return std::ranges::equal(a.values, b.values, {}, bits_of, bits_of);
}

// NaN and infinity spread as in a convolution of the non-zero weights. Where zeros, multiplied as
// in a dense convolution, would turn them to NaN, so may ours.
inline void check_special_values(const Image& sparse, const Image& dense, const Image& actual) {
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    const float want = sparse.values[i], got = actual.values[i];
    if (std::isnan(got)) {
      ASSERT_TRUE(std::isnan(dense.values[i])) << "NaN for " << want << " at " << i;
    } else if (std::isfinite(want)) {
      ASSERT_NEAR(got, want, 1e-4) << "at " << i;
    } else {
      ASSERT_EQ(got, want) << "at " << i;
    }
  }
}

// From 0 to `end`, cut at multiples of `unit`.
inline std::vector<Range> random_cuts(int end, int unit, std::mt19937& random) {
  std::vector<Range> cuts;
  for (int begin = 0; begin < end;) {
    const int next = std::min(end, begin + unit * draw(random, 1, std::max(1, end / unit / 2)));
    cuts.push_back({begin, next});
    begin = next;
  }
  return cuts;
}

// Of each ISA, by its name.
class PackingTest : public testing::TestWithParam<std::string> {
 protected:
  // `pack` gets the convolution and the layouts of its maps; null: it cannot run the case.
  template <typename Pack>
  void check(const Case& c, unsigned seed, const Pack& pack) {
    WeightStore store(seed);
    Graph graph;
    Convolution conv{.window = c.window, .activation = c.activation, .depthwise = c.depthwise};
    conv.input = graph.add_tensor(c.input);
    const Shape shape = window_shape(c.input, c.filters, c.window, c.pad_bottom, c.pad_right);
    conv.output = graph.add_tensor(shape);
    const int channels = c.depthwise ? 1 : c.input.channels / c.groups;
    store.fill(conv, c.filters, channels, c.pruning);
    if (c.groups > 1) {
      conv.weights.group_filters = c.filters / c.groups;
      conv.weights.group_channels = channels;
    }
    conv.weights.lasting = c.lasting;
    graph.inputs = {conv.input};
    std::vector<Image> inputs{random_image(c.input, store.random)};
    if (c.special_values) {
      for (float special : {NAN, INFINITY, -INFINITY, INFINITY}) {
        const int last = static_cast<int>(c.input.elements()) - 1;
        inputs[0].values[draw(store.random, 0, last)] = special;
      }
    }
    if (c.residual) {
      conv.residual = graph.add_tensor(shape);
      graph.inputs.push_back(conv.residual);
      inputs.push_back(random_image(shape, store.random));
    }
    graph.outputs = {conv.output};
    graph.nodes = {{conv, "conv"}};
    validate(graph);
    const Image expected = run_reference(graph, inputs)[0];
    const Image dense =
        c.special_values ? run_reference(graph, inputs, Zeros::kMultiply)[0] : Image{};

    const int border = required_border(c.window, c.input, shape) + c.extra_border;
    PlanarLayout in{c.input, border}, out{shape, border};
    in.whole_lines = out.whole_lines = c.whole_lines;
    const auto packed = pack(conv, in, out);
    if (packed == nullptr) return;
    kernels_seen_.insert(packed->kernel_name());
    if (!c.lasting) {  // packed without a copy of what may go away?
      const int weights = c.filters * channels * c.window.kernel_h * c.window.kernel_w;
      std::fill_n(const_cast<float*>(conv.weights.data), weights, NAN);
    }
    SCOPED_TRACE(packed->kernel_name());
    Planar input(in, c.flush), residual(out, c.flush);
    input.set(inputs[0]);
    if (c.residual) residual.set(inputs[1]);
    Image first;
    for (int threads : {1, 3}) {
      Planar output(out, c.flush);
      packed->run(input.origin(), c.residual ? residual.origin() : nullptr, output.origin(),
                  *make_thread_pool(threads));
      const Image actual = output.get();
      if (c.special_values) {
        ASSERT_NO_FATAL_FAILURE(check_special_values(expected, dense, actual));
      } else {
        ASSERT_LT(relative_error(expected, actual), 2e-5);
      }
      ASSERT_TRUE(output.borders_zero());
      if (threads == 1) first = actual;
      ASSERT_TRUE(same_bits(first, actual)) << "threads change the result";
    }
    if (c.residual || !packed->by_rows()) return;
    Planar output(out, c.flush);
    for (const Range rows : random_cuts(shape.height, 1, store.random)) {
      packed->run_rows(input.origin(), output.origin(), rows);
    }
    ASSERT_TRUE(same_bits(first, output.get())) << "a part changes the result";
    ASSERT_TRUE(output.borders_zero());
  }

  const kernels::KernelTable& kernels() { return kernels_named(GetParam()); }

  std::set<std::string> kernels_seen_;
};

}  // namespace patternlite::test
