#include "engine/recognise/cost_model.h"

#include <algorithm>

namespace patternlite {
namespace {

constexpr ConvKernel kKernels[] = {ConvKernel::kOs1, ConvKernel::kOs2, ConvKernel::kOs4,
                                   ConvKernel::kIs, ConvKernel::kBc16};

// Share of the multiply-add peak that each kernel reaches on the multiplications it makes
// (benchmarks/cpp/kernel_benchmark.cc, AVX-512).
double efficiency(ConvKernel kernel) {
  switch (kernel) {
    case ConvKernel::kOs1:
      return 0.50;
    case ConvKernel::kOs2:
      return 0.85;
    case ConvKernel::kOs4:
      return 0.90;
    case ConvKernel::kIs:
      return 0.62;
    case ConvKernel::kBc16:
      return 0.90;
  }
  return 0;
}

// XNNPACK's dense convolutions reach about this share of the peak.
constexpr double kStockEfficiency = 0.85;

// Multiply-adds that could be made while one float changes its layout.
constexpr double kBorderCost = 20;

// OS walks pad columns too and IS whole vectors; BC only what is there.
double positions_walked(ConvKernel kernel, const PlanarLayout& output) {
  const int real = output.shape.height * output.shape.width;
  if (kernel == ConvKernel::kBc16) return real;
  if (kernel == ConvKernel::kIs) return PlanarLayout::round_up(real, 16);
  return output.padded_positions();
}

}  // namespace

const char* name_of(ConvKernel kernel) {
  switch (kernel) {
    case ConvKernel::kOs1:
      return "os-g1";
    case ConvKernel::kOs2:
      return "os-g2";
    case ConvKernel::kOs4:
      return "os-g4";
    case ConvKernel::kIs:
      return "is";
    case ConvKernel::kBc16:
      return "bc-g16";
  }
  return "";
}

int group_size(ConvKernel kernel) {
  switch (kernel) {
    case ConvKernel::kOs2:
      return 2;
    case ConvKernel::kOs4:
      return 4;
    case ConvKernel::kBc16:
      return 16;
    default:
      return 1;
  }
}

bool runs(ConvKernel kernel, const Convolution& conv, const PlanarLayout& input,
          const PlanarLayout& output) {
  if (kernel == ConvKernel::kBc16 || kernel == ConvKernel::kIs) return true;
  return conv.window.stride_h == 1 && conv.window.stride_w == 1 && input.pitch() == output.pitch();
}

double cost(ConvKernel kernel, double work, const PlanarLayout& output) {
  return work * positions_walked(kernel, output) / efficiency(kernel);
}

double work_within(ConvKernel kernel, double limit, const PlanarLayout& output) {
  return limit * efficiency(kernel) / positions_walked(kernel, output);
}

double border_cost(double floats) { return floats * kBorderCost; }

double stock_cost(double dense_macs) { return dense_macs / kStockEfficiency; }

double estimated_cost(const Convolution& conv, const Sparsity& sparsity, const Shape& input,
                      const Shape& output) {
  const Window& w = conv.window;
  const double dense_work =
      static_cast<double>(output.channels) * input.channels * w.kernel_h * w.kernel_w;
  const int border = required_border(w, input, output);
  const PlanarLayout in{input, border}, out{output, border};
  double best = cost(ConvKernel::kBc16, dense_work, out);
  for (ConvKernel kernel : kKernels) {
    if (!runs(kernel, conv, in, out) || sparsity.shared_group % group_size(kernel) != 0) continue;
    const bool in_records = kernel == ConvKernel::kIs;
    const double density = in_records ? sparsity.record_density : sparsity.density;
    best = std::min(best, cost(kernel, dense_work * density, out));
  }
  return best;
}

}  // namespace patternlite
