// Times convolutions, for pruning/latency.py.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <stdexcept>
#include <utility>

#include "engine/plan/time_convolution.h"
#include "engine/support/isa.h"
#include "engine/support/thread_pool.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace patternlite;

namespace {

using Weights = nb::ndarray<const float, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Pair = std::pair<int, int>;  // height, width

std::pair<double, std::string> timed(const Weights& weights, Pair input_size, Pair output_size,
                                     Pair stride, Pair dilation, Pair padding, bool depthwise,
                                     int threads, double seconds) {
  const auto extent = [&](int axis) { return static_cast<int>(weights.shape(axis)); };
  const int filters = extent(0), area = extent(2) * extent(3);
  if (threads < 1) throw std::invalid_argument("threads must be at least 1");
  const Shape input{depthwise ? filters : extent(1), input_size.first, input_size.second};
  const Shape output{filters, output_size.first, output_size.second};
  const Convolution conv{
      .input = kNoTensor,
      .output = kNoTensor,
      .window = {extent(2), extent(3), stride.first, stride.second, dilation.first, dilation.second,
                 padding.first, padding.second},
      .weights = {weights.data(), std::ptrdiff_t{area} * extent(1), area, extent(3), 1},
      .depthwise = depthwise};
  const nb::gil_scoped_release release;
  const auto pool = make_thread_pool(threads);
  const auto [fastest, kernel] =
      time_convolution(conv, input, output, best_kernels(), *pool, seconds);
  return {fastest, kernel};
}

}  // namespace

void bind_timing(nb::module_& m) {
  m.def("time_convolution", &timed, "weights"_a, "input_size"_a, "output_size"_a, "stride"_a,
        "dilation"_a, "padding"_a, "depthwise"_a, "threads"_a, "seconds"_a,
        "(seconds of the fastest run, kernel) of a convolution of these weights, float32 "
        "(filters, channels, height, width), in the kernel that the planner chooses. Sizes are "
        "(height, width), padding (top, left). Takes about `seconds`.");
}
