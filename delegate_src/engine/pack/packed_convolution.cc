#include "engine/pack/packed_convolution.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <stdexcept>

#include "engine/pack/broadcast_convolution.h"
#include "engine/pack/input_stationary_convolution.h"
#include "engine/pack/output_stationary_convolution.h"
#include "engine/pack/record_stream.h"
#include "engine/recognise/cost_model.h"

namespace patternlite {
namespace {

struct Choice {
  ConvKernel kernel = ConvKernel::kBc16;
  Grouping grouping;
};

Choice choose(const TapSets& taps, const CostModel& model) {
  Choice best{ConvKernel::kIs, {}};
  double lowest = model.cost(ConvKernel::kIs, work_in_records(taps));
  for (ConvKernel kernel :
       {ConvKernel::kOs1, ConvKernel::kOs4, ConvKernel::kOs2, ConvKernel::kBc16}) {
    if (!model.runs(kernel)) continue;
    const double limit = model.work_within(kernel, lowest);
    if (auto grouping = group_filters(taps, group_size(kernel), limit)) {
      lowest = model.cost(kernel, grouping->work);
      best = {kernel, std::move(*grouping)};
    }
  }
  return best;
}

}  // namespace

std::unique_ptr<PackedConvolution> PackedConvolution::pack(const Convolution& conv,
                                                           const PlanarLayout& input,
                                                           const PlanarLayout& output,
                                                           const kernels::KernelTable& kernels) {
  if (input.border < required_border(conv.window, input.shape, output.shape)) {
    throw std::invalid_argument("the input's border is narrower than the convolution's padding");
  }
  const std::size_t limit = std::numeric_limits<int32_t>::max();
  if (input.elements() > limit || output.elements() > limit) {
    throw std::invalid_argument("a tensor is too large: its planes must fit 2^31 floats");
  }
  const TapSets taps(conv, output.shape.channels, input.shape.channels);
  const Choice choice = choose(taps, CostModel(conv.window, input, output, kernels));
  switch (choice.kernel) {
    case ConvKernel::kBc16:
      return pack_broadcast(conv, taps, choice.grouping, input, output, kernels);
    case ConvKernel::kIs:
      return pack_input_stationary(conv, taps, input, output, kernels);
    default:
      return pack_output_stationary(conv, taps, choice.grouping, group_size(choice.kernel), input,
                                    output, kernels);
  }
}

}  // namespace patternlite
